// The walks of Mi compañía › Correos: a mistake that one click mends, the phases as they happen, Detener.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { pointer } from './hands.mjs';
import { LOGIN, mailServer } from './mail_server.mjs';
import { COBRO } from './walk.mjs';

/** ms; the check's own limit, and a little for the page. */
const CHECKED_WITHIN = 22_000;
const PHASES = ['DNS', 'Conexión', 'Saludo', 'Cifrado', 'Autenticación', 'Remitente', 'Entrega'];

const main = (page) => page.getByRole('main');
const verdict = (page, words) => page.getByRole('heading', { name: words }).waitFor({ timeout: CHECKED_WITHIN });
const phases = (page) => main(page).locator('.ac-probe-side .ac-phases > li');

/** The form of a new account on the walk's own server, with SSL/TLS chosen where the server begins in clear. */
async function fillIn(page, hand, port) {
  await page.goto('/mi-compania/correos/nueva');
  await hand.tick(main(page).getByLabel(COBRO.module));
  await hand.write(main(page).getByLabel('Correo que envía'), LOGIN.user);
  await hand.press(main(page).getByRole('button', { name: 'Continuar' }));
  await main(page).getByLabel('Servidor SMTP').waitFor({ timeout: CHECKED_WITHIN });
  await page.waitForLoadState();
  await hand.write(main(page).getByLabel('Servidor SMTP'), '127.0.0.1');
  await hand.write(main(page).getByLabel('Puerto SMTP'), String(port));
  await hand.choose(main(page).getByLabel('TLS'), 'SSL/TLS');
  await hand.write(main(page).getByLabel('Contraseña'), LOGIN.password);
  await hand.write(main(page).getByLabel('Mensaje de prueba a'), 'gabriela@empresa.example');
}

/** «Usar STARTTLS y probar de nuevo»: marked field, one click, correct, saved with what was typed. */
export async function correctWithOneClick(page, demo, hand, script) {
  await fillIn(page, hand, demo.mail.port);
  const before = page.url();
  await hand.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
  await verdict(page, 'Configuración errónea');
  if (script) assert.ok(await page.locator('#diag').evaluate((h2) => h2 === document.activeElement), 'the focus is on the verdict');
  assert.equal(await main(page).locator('#tls-error').innerText(), `El puerto ${demo.mail.port} usa STARTTLS`);
  assert.equal(await main(page).getByLabel('Puerto SMTP').inputValue(), String(demo.mail.port), 'the form is as it was typed');
  const cure = main(page).getByRole('button', { name: 'Usar STARTTLS y probar de nuevo' });
  assert.match(await main(page).locator('.ac-fix').first().innerText(), /Cambia solo el TLS/);
  assert.equal(await main(page).locator('.btn-primary').count(), 1, 'the cure is the one primary button');
  await hand.press(cure);
  await verdict(page, 'Configuración correcta');
  assert.equal(await main(page).getByLabel('TLS').evaluate((select) => select.selectedOptions[0].label), 'STARTTLS');
  assert.equal(await main(page).locator('#de-tls').innerText(), 'corregido al probar');
  assert.match(await main(page).locator('.ac-probe-side').innerText(), /250 2\.0\.0 Ok: queued as 4F1C2[\s\S]*carpeta de no deseados/);
  assert.equal(demo.mail.messages.length, 1, 'one real message went out');
  if (script) assert.equal(page.url(), before, 'it all happened in place');
  await hand.press(main(page).getByRole('button', { name: 'Guardar', exact: true }));
  await main(page).getByRole('heading', { name: 'Mi compañía' }).waitFor();
  assert.match(await main(page).getByRole('article').filter({ hasText: COBRO.module }).innerText(), /Configuración correcta/);
}

/** Nobody listens on the port that was typed, and a server does on 587: one click. A port below 1024 takes root, as the tests do. */
export async function correctThePort(page, demo) {
  const usual = await mailServer(demo.certificate, 0, 587);
  try {
    await fillIn(page, pointer, await closedPort());
    await pointer.choose(main(page).getByLabel('TLS'), 'STARTTLS');
    await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
    await verdict(page, 'Configuración errónea');
    assert.match(await main(page).locator('.ac-fix').first().innerText(), /Nadie atiende en ese puerto[\s\S]*Cambia solo el puerto/);
    await pointer.press(main(page).getByRole('button', { name: 'Usar el puerto 587 y probar de nuevo' }));
    await verdict(page, 'Configuración correcta');
    assert.equal(await main(page).getByLabel('Puerto SMTP').inputValue(), '587');
    assert.equal(await main(page).locator('#de-puerto').innerText(), 'corregido al probar');
    assert.equal(usual.messages.length, 1, 'one real message went out');
  } finally {
    usual.stop();
  }
}

async function closedPort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Each phase is seen running, then done, in order, while the server takes its time; the end is the finished diagnosis. */
export async function phasesAsTheyHappen(page, demo) {
  await page.addInitScript(noteRows);
  await fillIn(page, pointer, demo.mail.port);
  await pointer.choose(main(page).getByLabel('TLS'), 'STARTTLS');
  await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
  await page.getByRole('heading', { name: 'Probando la cuenta' }).waitFor();
  assert.ok(await main(page).getByRole('button', { name: 'Probando…' }).isDisabled());
  await verdict(page, 'Configuración correcta');
  const noted = await page.evaluate(() => window.noted);
  const order = noted.filter(({ state }) => state === 'now').map(({ name }) => name);
  // The first two take no time here; what is over before the page is drawn is only seen done.
  assert.deepEqual(order.filter((name) => !PHASES.slice(0, 2).includes(name)), PHASES.slice(2), `each phase was seen running: ${JSON.stringify(noted)}`);
  assert.deepEqual(noted.filter(({ state }) => state === 'ok').map(({ name }) => name), PHASES);
  for (const name of PHASES.slice(2)) {
    const [ran, done] = ['now', 'ok'].map((state) => noted.findIndex((row) => row.name === name && row.state === state));
    assert.ok(ran < done, `${name} ran before it was done: ${JSON.stringify(noted)}`);
  }
  const [first, last] = [noted.find(({ state }) => state === 'ok'), noted.findLast(({ state }) => state === 'ok')];
  assert.ok(last.at - first.at > 500, `they came one by one, not at once: ${JSON.stringify(noted)}`);
  assert.match(noted.find(({ name, state }) => name === 'Autenticación' && state === 'now').text, /Esperando la respuesta a cobros@empresa\.example/);
  return `${noted.length} rows in ${last.at - first.at} ms`;
}

/** Notes, inside the page, each row of a running check as it appears. */
const noteRows = () => {
  window.noted = [];
  const look = (records) => {
    for (const row of records.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node.matches?.('li[data-phase]') && node.closest('section:has([data-stop])'))) {
      const { state } = row.dataset;
      if (state !== 'wait') window.noted.push({ at: Math.round(performance.now()), name: row.querySelector('b').textContent, state, text: row.textContent });
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
};

/** Detener: the page says so, the connection is closed at once, the form is as it was, and Probar works again. */
export async function stop(page, demo) {
  const slow = await mailServer(demo.certificate, 3_000);
  try {
    await fillIn(page, pointer, slow.port);
    await pointer.choose(main(page).getByLabel('TLS'), 'STARTTLS');
    await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
    await main(page).locator('[data-phase="greeting"][data-state="now"]').waitFor();
    assert.equal(slow.open.size, 1);
    await page.waitForTimeout(1_200);
    assert.match(await main(page).getByRole('timer').innerText(), /^[1-3] s de 20 s como máximo$/);
    assert.match(await main(page).locator('[data-ticking]').innerText(), /^\d,\d s$/, 'the running phase counts its seconds');
    await pointer.press(main(page).getByRole('button', { name: 'Detener' }));
    const heading = page.getByRole('heading', { name: 'Prueba detenida' });
    await heading.waitFor();
    assert.ok(await heading.evaluate((h2) => h2 === document.activeElement), 'the focus is on what happened');
    assert.match(await phases(page).nth(2).innerText(), /Saludo\s+detenida/);
    for (let i = 0; i < 40 && slow.open.size > 0; i += 1) await page.waitForTimeout(50);
    assert.equal(slow.open.size, 0, 'the mail server was let go');
    assert.ok(slow.closed[0] < 3_000, `before it even spoke: ${slow.closed[0]} ms`);
    assert.equal(await main(page).getByLabel('Contraseña').inputValue(), LOGIN.password, 'the form is as it was');
    await pointer.write(main(page).getByLabel('Puerto SMTP'), String(demo.mail.port));
    await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
    await verdict(page, 'Configuración correcta');
  } finally {
    slow.stop();
  }
}

/** What is typed while the check runs stays, and so does the field one types in; the origin of a value is said of it alone. */
export async function typingMeanwhile(page, demo) {
  await fillIn(page, pointer, demo.mail.port);
  await pointer.choose(main(page).getByLabel('TLS'), 'STARTTLS');
  await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
  await page.getByRole('heading', { name: 'Probando la cuenta' }).waitFor();
  await main(page).getByLabel('Contraseña').fill(' otra');
  assert.match(await main(page).locator('#clave-espacios').innerText(), /empieza con un espacio/);
  const name = main(page).getByLabel('Nombre del remitente');
  await name.fill('Otra razón social');
  await verdict(page, 'Configuración correcta');
  assert.equal(await name.inputValue(), 'Otra razón social');
  assert.equal(await main(page).getByLabel('Contraseña').inputValue(), ' otra');
  assert.ok(await name.evaluate((input) => input === document.activeElement), 'nobody is torn away from a field');
}

/** Pressed twice it runs once; a reload stops it and asks for nothing again; Back finds the form at rest. */
export async function twiceReloadAndBack(page, demo) {
  const slow = await mailServer(demo.certificate, 3_000);
  try {
    await fillIn(page, pointer, slow.port);
    await pointer.choose(main(page).getByLabel('TLS'), 'STARTTLS');
    await main(page).getByRole('button', { name: 'Probar', exact: true }).last().dblclick();
    await main(page).locator('[data-phase="greeting"][data-state="now"]').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.waitForTimeout(300);
    assert.equal(slow.open.size + slow.closed.length, 1, 'one connection');
    await page.reload();
    await main(page).getByRole('heading', { name: 'Sin probar' }).waitFor();
    for (let i = 0; i < 40 && slow.open.size > 0; i += 1) await page.waitForTimeout(50);
    assert.equal(slow.open.size, 0, 'what nobody waits for is stopped');
    await pointer.write(main(page).getByLabel('Servidor SMTP'), '127.0.0.1');
    await pointer.write(main(page).getByLabel('Puerto SMTP'), String(slow.port));
    await pointer.write(main(page).getByLabel('Contraseña'), LOGIN.password);
    await pointer.press(main(page).getByRole('button', { name: 'Probar', exact: true }).last());
    await main(page).locator('[data-phase="greeting"][data-state="now"]').waitFor();
    await page.goto('/cobros');
    await page.goBack();
    await main(page).getByRole('button', { name: 'Probar', exact: true }).last().waitFor();
    assert.ok(await main(page).getByRole('button', { name: 'Probar', exact: true }).last().isEnabled());
    assert.equal(await main(page).locator('.ac-probe-side').count(), 1);
  } finally {
    slow.stop();
  }
}

/** While the server is looked for, the button says so; Back finds the first step as it was. A slip is asked about first. */
export async function lookingForTheServer(page) {
  await page.route('**/nueva?*', async (route) => {
    await new Promise((done) => setTimeout(done, 800));
    await route.continue();
  });
  await page.goto('/mi-compania/correos/nueva');
  await pointer.write(main(page).getByLabel('Correo que envía'), 'cobros@gmial.com');
  await page.evaluate(() => { // the page is asked before it is left; from outside it is only seen once the next one is there
    const note = () => sessionStorage.setItem('noted', document.querySelector('form[aria-busy="true"] .btn-primary:has(.ac-spin)')?.textContent ?? '');
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true });
  });
  await pointer.press(main(page).getByRole('button', { name: 'Continuar' }));
  await main(page).getByRole('button', { name: 'Corregir' }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem('noted')), 'Buscando…');
  await pointer.press(main(page).getByRole('button', { name: 'Corregir' }));
  await main(page).getByLabel('Servidor SMTP').waitFor();
  assert.equal(await main(page).getByLabel('Servidor SMTP').inputValue(), 'smtp.gmail.com');
  assert.equal(await main(page).locator('#de-servidor').innerText(), 'de Gmail');
  await pointer.write(main(page).getByLabel('Puerto SMTP'), '465');
  assert.equal(await main(page).locator('#de-puerto').innerText(), 'escrito por usted', 'at once, before anything is sent');
  await pointer.write(main(page).getByLabel('Puerto SMTP'), '587');
  assert.equal(await main(page).locator('#de-puerto').innerText(), 'de Gmail');
  await page.goBack();
  await main(page).getByRole('button', { name: 'Corregir' }).waitFor();
}

/** Probar on a card of the list leads to the account and begins there. */
export async function probeFromTheList(page, demo) {
  await correctWithOneClick(page, demo, pointer, true);
  await pointer.press(main(page).getByRole('article').filter({ hasText: COBRO.module }).getByRole('button', { name: /^Probar/ }));
  await page.waitForURL(/\/mi-compania\/correos\/[0-9a-f-]+$/);
  await verdict(page, 'Configuración correcta');
  assert.ok(!page.url().includes('#'), 'a reload does not try again by itself');
}
