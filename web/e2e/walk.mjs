// The main job, as a person does it: an account, a cobro and a pago, their envíos, the mail that arrives.
import assert from 'node:assert/strict';
import { freePort, list } from './lib.mjs';
import { cents, written } from '../js/amounts.js';

/** ms from pressing Guardar or Reenviar until the mail server's answer stands on the page, without a reload. */
const ACCEPTED_WITHIN = 2_000;
/** ms more until the walk gives up and says what it saw. */
const GIVE_UP_AFTER = 6_000;
/** ms; the check's own limit, and a little for the page. */
const CHECKED_WITHIN = 22_000;

export const COBRO = {
  menu: 'Cobros', create: 'Nuevo cobro', heading: /^Cobro (RC-\d{6})$/, side: 'receivable', person: 'Cliente',
  notify: 'Envío de correo cliente', receipt: 'Recibo de cobro', module: 'Notificación de cobros a clientes', address: 'cobros@empresa.example',
};
export const PAGO = {
  menu: 'Pagos', create: 'Nuevo pago', heading: /^Pago (RP-\d{6})$/, side: 'payable', person: 'Proveedor',
  notify: 'Envío de correo proveedor', receipt: 'Recibo de pago', module: 'Facturación electrónica y notificación de pagos a proveedores', address: 'pagos@empresa.example',
};

/** By the menu, which on a phone opens first. */
export async function goTo(page, hand, place) {
  const link = page.getByRole('navigation').getByRole('link', { name: place, exact: true }).first();
  if (!(await link.isVisible())) await hand.press(page.getByRole('button', { name: 'Menú' }).first());
  const { pathname } = new URL(await link.getAttribute('href'), page.url());
  await hand.press(link);
  await page.waitForURL((url) => url.pathname === pathname);
}

/** 1. Mi compañía › Correos: Probar says errónea with the phase that failed, then correcta; Guardar; the other module stays as it was. */
export async function addAccount(page, demo, hand, { module, address }, script) {
  const main = page.getByRole('main');
  await goTo(page, hand, 'Mi compañía');
  await hand.press(main.getByRole('link', { name: 'Agregar una nueva configuración' }));
  await hand.tick(main.getByLabel(module));
  await hand.write(main.getByLabel('Correo que envía'), address);
  await hand.press(main.getByRole('button', { name: 'Continuar' }));

  await main.getByLabel('Servidor SMTP').waitFor();
  await hand.write(main.getByLabel('Servidor SMTP'), '127.0.0.1');
  await hand.write(main.getByLabel('Puerto SMTP'), String(await freePort()));
  await hand.choose(main.getByLabel('TLS'), 'Sin cifrar');
  await hand.write(main.getByLabel('Usuario'), '');
  await check(page, hand, 'Configuración errónea', script);
  assert.match(await main.locator('.ac-phases [data-state="bad"]').innerText(), /Conexión/, 'the phase that failed is named');

  await hand.write(main.getByLabel('Puerto SMTP'), String(demo.slow.port));
  await check(page, hand, 'Configuración correcta', script);
  await hand.press(main.getByRole('button', { name: 'Guardar', exact: true }));
  await main.getByRole('heading', { name: 'Mi compañía' }).waitFor();
  const card = main.getByRole('article').filter({ hasText: module });
  assert.match(await card.innerText(), new RegExp(address), 'the account stands under its module');
  assert.match(await card.innerText(), /Configuración correcta/);
}

export async function otherModuleIsOnTheDefaultAccount(page, { module }) {
  await page.goto('/mi-compania/correos');
  const card = page.getByRole('main').getByRole('article').filter({ hasText: module });
  assert.match(await card.innerText(), /Correo predeterminado/);
}

async function check(page, hand, verdict, script) {
  const before = page.url();
  if (script) await page.waitForLoadState('domcontentloaded'); // before that the button simply submits its form
  await hand.press(page.getByRole('main').getByRole('button', { name: /^Probar/ }).first());
  const heading = page.getByRole('heading', { name: verdict });
  await heading.waitFor({ timeout: CHECKED_WITHIN });
  if (!script) return;
  assert.equal(page.url(), before, 'Probar answers in place');
  assert.ok(await heading.evaluate((h2) => h2 === document.activeElement), 'the focus is on the verdict');
}

/** 2. A payment of two documents, one whole and one in part. Answers its number, and what it paid as printed. */
export async function record(page, demo, hand, what, script) {
  const { contact, documents } = await personWithTwoOpen(demo, what.side);
  await goTo(page, hand, what.menu);
  if (hand.name === 'keyboard' && script) await page.keyboard.press('n');
  else await hand.press(page.getByRole('main').getByRole('link', { name: what.create }));
  await choosePerson(page, hand, what, contact, script);

  const [whole, part] = documents;
  const half = Math.floor(cents(part.balance) / 2);
  const main = page.getByRole('main');
  await hand.tick(main.getByRole('checkbox', { name: whole.number }));
  const wholeAmount = main.locator('tr', { hasText: whole.number }).locator('input[name="abono"]');
  if (script) assert.equal(cents(await wholeAmount.inputValue()), cents(whole.balance), 'ticking fills the balance');
  else await hand.write(wholeAmount, written(cents(whole.balance)));
  if (!script) await hand.tick(main.getByRole('checkbox', { name: part.number }));
  await hand.write(main.locator('tr', { hasText: part.number }).locator('input[name="abono"]'), written(half));
  const total = cents(whole.balance) + half;
  await hand.choose(main.locator('select[name="forma"]').first(), 'Transferencia');
  const number = main.locator('input[name="numero"]').first();
  if (await number.isVisible()) await hand.write(number, '88124507');
  await hand.write(main.locator('input[name="valor"]').first(), written(total));
  if (script) {
    await page.keyboard.press('Tab');
    assert.equal(await main.locator('[data-sum="aplicado"]').innerText(), written(total), 'the totals follow');
  }
  assert.ok(await main.getByLabel(what.notify).isChecked(), `«${what.notify}» comes ticked`);
  const envelope = await main.locator('.ac-notify .ac-envelope').innerText();
  for (const said of ['desde', what.address, 'para', ...contact.emails]) assert.ok(envelope.includes(said), `«${said}» stands beside it: ${envelope}`);
  if (hand.name === 'keyboard' && script) await page.keyboard.press('Control+Enter');
  else await hand.press(main.getByRole('button', { name: 'Guardar' }));
  const heading = page.getByRole('heading', { level: 1, name: what.heading });
  await heading.waitFor();
  return { number: what.heading.exec((await heading.innerText()).trim())[1], total: written(total), recipients: contact.emails.length };
}

/** Somebody of the demo with an address and two open documents. */
export async function personWithTwoOpen(demo, side) {
  const documents = (await list(demo, '/documents')).filter((one) => one.side === side && cents(one.balance) > 100);
  for (const contact of await list(demo, '/contacts')) {
    const open = documents.filter((one) => one.contact_id === contact.id);
    if (open.length >= 2 && contact.emails.length > 0) return { contact, documents: open };
  }
  return assert.fail(`the demo has nobody with two open ${side} documents and an address`);
}

async function choosePerson(page, hand, { person }, contact, script) {
  const main = page.getByRole('main');
  await hand.write(main.getByLabel(person, { exact: true }), contact.name.slice(0, 12));
  if (script) {
    const option = main.getByRole('option').filter({ hasText: contact.name }).first();
    await option.waitFor();
    if (hand.name === 'keyboard') {
      while ((await option.getAttribute('aria-selected')) !== 'true') await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
    } else {
      await option.click();
    }
  } else {
    await hand.press(main.getByRole('button', { name: 'Buscar' }));
    const radio = main.getByRole('radio', { name: contact.name }).first();
    if (await radio.isVisible()) {
      await hand.tick(radio);
      await hand.press(main.getByRole('button', { name: 'Elegir' }));
    }
  }
  await main.locator('input[name="abono"]').first().waitFor();
}

/** Notes, inside the page, what its envíos say and when: in ms since the person pressed the button that led here. */
export const noteStates = () => {
  window.noted = [];
  const look = () => {
    const marks = [...document.querySelectorAll('.ac-sends .ac-send-head .ac-state')];
    const said = marks.map((mark) => mark.textContent.trim());
    if (said.length > 0 && String(window.noted.at(-1)?.said) !== String(said)) window.noted.push({ at: Math.round(performance.now()), said });
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
};

/** 3a. From «En cola» to «Aceptado por el servidor» with the server's words, in time and without a reload. Answers the ms it took. */
export async function accepted(page, script, count) {
  const sends = page.getByRole('main').locator('.ac-sends > li');
  const isDone = async () => (await sends.locator('.ac-send-head [data-state="accepted"]').count()) === count;
  const arrived = Date.now();
  const document_ = script && (await page.evaluate(() => performance.timeOrigin));
  while (!(await isDone())) {
    if (Date.now() - arrived > GIVE_UP_AFTER) assert.fail(`not accepted: ${await page.getByRole('main').locator('.ac-sends').innerText()}`);
    if (!script) await page.reload();
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.equal(await sends.count(), count);
  for (const send of await sends.all()) assert.match(await send.innerText(), /Aceptado por el servidor[\s\S]*\b250\b/, 'the server’s own words are shown');
  if (!script) return Date.now() - arrived;
  const noted = await page.evaluate(() => window.noted);
  assert.equal(await page.evaluate(() => performance.timeOrigin), document_, 'the page was not loaded again');
  assert.ok(noted.some(({ said }) => said.some((word) => word === 'En cola' || word === 'Enviando')), `it was seen waiting first: ${JSON.stringify(noted)}`);
  const { at, said } = noted.at(-1);
  assert.deepEqual([...new Set(said)], ['Aceptado por el servidor']);
  assert.ok(at <= ACCEPTED_WITHIN, `it took ${at} ms: ${JSON.stringify(noted)}`);
  return at;
}

/** 3b. Reenviar at the top: «Reenvío 1». */
export async function resend(page, hand, script) {
  const before = await page.getByRole('main').locator('.ac-sends > li').count();
  await hand.press(page.getByRole('main').getByRole('link', { name: 'Reenviar' }).first());
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  if (script) assert.ok(await dialog.evaluate((one) => one.matches(':modal')), 'the dialog opens over the page');
  if (hand.name === 'keyboard' && script) await page.keyboard.press('Control+Enter');
  else await hand.press(dialog.getByRole('button', { name: /^Reenviar/ }));
  await page.getByRole('main').locator('.ac-sends').getByText('Reenvío 1').first().waitFor();
  const now = await page.getByRole('main').locator('.ac-sends > li').count();
  assert.ok(now > before, 'the first envíos stay beside the new one');
  return now;
}

/** 4. /demo/buzon: the mail as its recipient reads it, in HTML and text, and the PDF. */
export async function readMail(page, hand, { receipt }, { number, total }) {
  await goTo(page, hand, 'Buzón de prueba');
  const main = page.getByRole('main');
  const messages = main.getByRole('navigation').getByRole('link').filter({ hasText: number });
  assert.ok((await messages.count()) >= 2, 'the receipt and its resend both arrived');
  assert.match(await messages.last().innerText(), new RegExp(`${receipt}.*${number}`));
  const first = await messages.last().getAttribute('href');
  await hand.press(messages.last());
  await page.waitForURL(`**${first}`);
  const shown = await main.locator('iframe').contentFrame().locator('body').innerText();
  for (const said of [number, total]) assert.ok(shown.includes(said), `the mail says ${said}: ${shown}`);
  const pdf = main.getByRole('link', { name: /\.pdf/i }).first();
  const address = await pdf.getAttribute('href');
  assert.match(await pdf.innerText(), new RegExp(`${number}\\.pdf`));
  await hand.press(pdf);
  await page.waitForURL(`**${address}`); // it opens in the browser's own viewer
  await page.goBack();
  const file = await page.request.get(address);
  assert.equal(file.headers()['content-type'], 'application/pdf');
  assert.equal((await file.body()).subarray(0, 5).toString(), '%PDF-');
  await hand.press(main.locator('a, summary, [role="tab"]').filter({ hasText: /texto/i }).first());
  const text = await main.locator('.ac-words, pre').first().innerText();
  for (const said of [number, total]) assert.ok(text.includes(said), `its text says ${said}: ${text}`);
}
