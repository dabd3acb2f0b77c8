// npm run look -- --bin PATH [--pictures FOLDER] [--only PAGE]: every page at 1280 and 360 px, light and dark.
// Prints each finding: axe, what the browser complains about, sideways scroll, targets too small for a thumb. Exits 1 when there is one.
import { randomUUID } from 'node:crypto';
import { dnsServer } from './dns.mjs';
import { argument, axe, fail, launch, list, login, openBrowser, screenshot, slowMailServer, visitor } from './lib.mjs';
import { LOGIN, mailServer, makeCertificate } from './mail_server.mjs';

const WIDTHS = [[1280, 800], [360, 740]];
/** Where else nothing may scroll sideways. */
const OTHER_WIDTHS = [320, 640, 768, 900, 1024, 1366, 1920];
/** px, WCAG 2.5.5 and ui/README.md; half a pixel for fractional layout. */
const THUMB = 43.5;
/** How narrow a window has the phone's controls. */
const PHONE_BELOW = 1024;

/** What a person presses to bring a page into the state to look at. */
const save = (page) => page.getByRole('button', { name: /^Guardar|^Crear|^Registrar/ }).last().click().then(() => page.locator('.ac-errors').first().waitFor());
const probe = (page) => page.getByRole('button', { name: /^Probar/ }).last().click().then(() => page.locator('#diag').waitFor({ timeout: 22_000 }));
const probeAt = (port, tls) => async (page) => {
  await page.getByLabel('Puerto SMTP').fill(String(port));
  await page.getByLabel('TLS').selectOption({ label: tls });
  await probe(page);
};
/** The check waits for a server that thinks; what runs counts its seconds. */
const probing = (port) => async (page) => {
  await page.getByLabel('Puerto SMTP').fill(String(port));
  await page.getByLabel('Mensaje de prueba a').fill('gabriela@empresa.example');
  await page.getByRole('button', { name: /^Probar/ }).last().click();
  await page.locator('[data-phase="greeting"][data-state="now"]').waitFor();
};
const suggestions = (page) => page.getByRole('combobox').first().pressSequentially('com').then(() => page.getByRole('option').first().waitFor());
const openDialog = (page, name) => page.getByRole('main').getByRole('link', { name }).first().click().then(() => page.locator('dialog:modal').waitFor());

const makeKey = async (page) => {
  const make = page.getByRole('button', { name: /^(Crear|Cambiar) la clave/ });
  if (await make.count()) await make.click();
  await page.getByRole('button', { name: 'Comprobar' }).waitFor();
};
const checkKey = (page) => makeKey(page).then(() => page.getByRole('button', { name: 'Comprobar' }).click()).then(() => page.locator('.ac-note').waitFor());
/** Puts the record into the DNS, as the page says, and has it looked for. */
const publishKey = async (page) => {
  await makeKey(page);
  const part = (name) => page.locator(`#registro-firma-${name}`).inputValue();
  ZONE[`${await part('nombre')}.distcotopaxi.ec`] = { TXT: [await part('valor')] };
  await page.getByRole('button', { name: 'Comprobar' }).click();
  await page.getByRole('button', { name: 'Dejar de firmar' }).waitFor();
  await page.getByRole('button', { name: 'Comprobar' }).waitFor({ state: 'detached' });
};

/** What the DNS knows of the account's domain: DMARC is missing, and a policy is still to come. */
const ZONE = {
  'distcotopaxi.ec': { MX: [[1, 'smtp.google.com']], TXT: ['google-site-verification=sHyZ', 'v=spf1 mx include:_spf.google.com include:servicios.ec'] },
  '_spf.google.com': { TXT: ['v=spf1 ip4:35.190.247.0/24 ~all'] },
  'sincorreo.ec': { TXT: ['nada de correo'] },
  'correo._domainkey.distcotopaxi.ec': { TXT: ['v=DKIM1; p='] },
};

const bin = argument('bin');
if (!bin) {
  console.error('npm run look -- --bin PATH   (the acuse binary)');
  process.exit(2);
}
const folder = argument('pictures');
const only = argument('only');
const dns = await dnsServer(ZONE);
const certificate = makeCertificate();
const mail = await mailServer(certificate);
const demo = await launch(bin, { ACUSE_DNS_SERVERS: dns.address, ACUSE_EXTRA_CA_FILE: certificate.ca });
/** ms; longer than it takes to look at a page. */
const slow = await slowMailServer(demo.smtp_port, 15_000);
const browser = await openBrowser();
const findings = [];
let looked = 0;
try {
  const pages = (await pagesOf(demo)).filter(([name]) => !only || name.startsWith(only));
  for (const [width, height] of WIDTHS) {
    for (const scheme of ['light', 'dark']) {
      const page = await visitor(browser, demo, { width, height, scheme });
      await look(page, 'entrar', '/entrar', width, scheme);
      await login(page, demo);
      for (const [name, path, act] of pages) await look(page, name, path, width, scheme, act);
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await demo.stop();
  dns.stop();
  slow.stop();
  mail.stop();
  certificate.remove();
}
for (const finding of findings) console.log(finding);
console.log(`looked at ${looked} pages: ${findings.length} findings`);
process.exitCode = findings.length > 0 || looked === 0 ? 1 : 0;

/** Names as the design's pictures carry them. Ids come from the API: a demo has some of everything. */
async function pagesOf(demo) {
  const payments = await list(demo, '/payments');
  const first = (test) => payments.find(test)?.id;
  const cobro = first(({ direction, status }) => direction === 'received' && status === 'posted');
  const pago = first(({ direction, status }) => direction === 'made' && status === 'posted');
  const voided = first(({ direction, status }) => direction === 'received' && status === 'voided');
  const documents = await list(demo, '/documents');
  const owing = documents.find(({ side, balance }) => side === 'receivable' && balance !== '0.00')?.contact_id;
  const owed = documents.find(({ side, balance }) => side === 'payable' && balance !== '0.00')?.contact_id;
  const account = await accountOf(demo);
  return [
    ['inicio', '/'],
    ['cobros', '/cobros'],
    ['cobros-vacio', '/cobros?q=nadie-se-llama-as%C3%AD'],
    ['cobro-nuevo-sin-persona', '/cobros/nuevo'],
    ['cobro-nuevo-persona', '/cobros/nuevo', suggestions],
    owing && ['cobro-nuevo', `/cobros/nuevo?persona=${owing}`],
    owing && ['cobro-nuevo-rechazado', `/cobros/nuevo?persona=${owing}`, save],
    cobro && ['cobro', `/cobros/${cobro}`],
    cobro && ['cobro-reenviar', `/cobros/${cobro}/reenviar`],
    cobro && ['cobro-anular', `/cobros/${cobro}/anular`],
    cobro && ['cobro-reenviar-encima', `/cobros/${cobro}`, (page) => openDialog(page, 'Reenviar')],
    cobro && ['cobro-anular-encima', `/cobros/${cobro}`, (page) => openDialog(page, 'Anular…')],
    voided && ['cobro-anulado', `/cobros/${voided}`],
    ['pagos', '/pagos'],
    owed && ['pago-nuevo', `/pagos/nuevo?persona=${owed}`],
    owed && ['pago-nuevo-rechazado', `/pagos/nuevo?persona=${owed}`, save],
    pago && ['pago', `/pagos/${pago}`],
    ['personas', '/personas'],
    owing && ['persona', `/personas/${owing}`],
    ['personas-vacio', '/personas?q=nadie-se-llama-as%C3%AD'],
    ['persona-nueva', '/personas/nueva'],
    ['persona-nueva-rechazada', '/personas/nueva', save],
    ['documentos', '/documentos'],
    ['documento-nuevo', '/documentos/nuevo'],
    ['documento-nuevo-rechazado', '/documentos/nuevo', save],
    documents[0] && ['documento', `/documentos/${documents[0].id}`],
    ['envios', '/envios'],
    ['datos', '/mi-compania/datos'],
    ['usuarios', '/mi-compania/usuarios'],
    ['usuario-invitar', '/mi-compania/usuarios/invitar'],
    ['integraciones', '/mi-compania/integraciones'],
    ['token-crear', '/mi-compania/integraciones/nuevo'],
    ['historial', '/mi-compania/historial'],
    ['companias', '/companias'],
    ['compania-nueva', '/companias/nueva'],
    ['mi-cuenta', '/mi-cuenta'],
    ['segundo-paso', '/mi-cuenta/segundo-paso'],
    ['clave-olvidada', '/clave-olvidada'],
    ['correo-nueva', '/mi-compania/correos/nueva'],
    ['correo-encontrada', '/mi-compania/correos/nueva?modulo=facturacion&direccion=cobros%40distcotopaxi.ec'],
    ['correo-no-encontrada', '/mi-compania/correos/nueva?modulo=facturacion&direccion=cobros%40sincorreo.ec'],
    ['correo-nueva-duda', '/mi-compania/correos/nueva?modulo=cobros&direccion=cobros%40gmial.com'],
    ['correos-pausada', '/mi-compania/correos', (page) => rest(demo).then(() => page.reload())],
    ['correos', '/mi-compania/correos', (page) => forget(demo).then(() => page.reload())],
    ['correo', `/mi-compania/correos/${account}`],
    ['correo-probar-correcta', `/mi-compania/correos/${account}`, probe],
    ['correo-probar-erronea', `/mi-compania/correos/${account}`, async (page) => {
      await page.getByLabel('Puerto SMTP').fill('1');
      await probe(page);
    }],
    ['correo-dominio', `/mi-compania/correos/${account}/dominio`],
    ['correo-dominio-clave', `/mi-compania/correos/${account}/dominio`, makeKey],
    ['correo-dominio-comprobar', `/mi-compania/correos/${account}/dominio`, checkKey],
    ['correo-dominio-firma', `/mi-compania/correos/${account}/dominio`, publishKey],
    ['correo-probar', `/mi-compania/correos/${account}`, probing(slow.port)],
    ['correo-probar-detenida', `/mi-compania/correos/${account}`, async (page) => {
      await probing(slow.port)(page);
      await page.getByRole('button', { name: 'Detener' }).click();
      await page.getByRole('heading', { name: 'Prueba detenida' }).waitFor();
    }],
    ['correo-probar-clave', `/mi-compania/correos/${account}`, async (page) => {
      await page.getByLabel('Usuario').fill(LOGIN.user);
      await page.getByLabel('Contraseña').fill(LOGIN.everyday);
      await probeAt(mail.port, 'STARTTLS')(page);
    }],
    ['correo-probar-puerto', `/mi-compania/correos/${account}`, probeAt(mail.port, 'SSL/TLS')],
    ['correo-eliminar', `/mi-compania/correos/${account}/eliminar`],
    ['mi-compania', '/mi-compania'],
    ['buzon', '/demo/buzon'],
    ['docs', '/docs'],
    ['no-existe', '/cobros/01938f2e-7c11-7a3b-9c1d-0f6f4f0a2b11'],
  ].filter(Boolean);
}

/** The account of cobros, on the demo's own mail server. */
async function accountOf(demo) {
  const body = JSON.stringify({ module: 'received_payments', server: '127.0.0.1', port: demo.smtp_port, security: 'none', from_name: 'Distribuidora', from_address: 'cobros@distcotopaxi.ec' });
  const answer = await fetch(`${demo.url}/api/v1/mail-accounts`, { method: 'POST', headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' }, body });
  return (await answer.json()).id;
}

async function call(demo, method, path, body) {
  const headers = { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() };
  const answer = await fetch(`${demo.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) fail(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

async function ofPagos(demo) {
  return (await list(demo, '/mail-accounts')).find(({ module }) => module === 'invoices_and_made_payments');
}

/** The account of pagos: its server refuses its password, so it rests, and what it was to send waits. */
async function rest(demo) {
  await call(demo, 'POST', '/mail-accounts', { module: 'invoices_and_made_payments', server: '127.0.0.1', port: mail.port, security: 'starttls', username: LOGIN.user, password: 'otra', from_address: LOGIN.user });
  const owed = (await list(demo, '/documents')).find(({ side, balance }) => side === 'payable' && Number(balance) >= 1);
  const date = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Guayaquil' }).format(new Date());
  await call(demo, 'POST', '/payments', { direction: 'made', contact_id: owed.contact_id, date, lines: [{ method: 'cash', amount: '1.00' }], allocations: [{ document_id: owed.id, amount: '1.00' }], notify: true, recipients: ['proveedor@empresa.example'] });
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await ofPagos(demo)).paused) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  fail('the account does not rest although its password is wrong');
}

/** So that the module is free again. */
async function forget(demo) {
  const account = await ofPagos(demo);
  if (account) await call(demo, 'DELETE', `/mail-accounts/${account.id}`);
}

async function look(page, name, path, width, scheme, act) {
  const say = (words) => findings.push(`${name} ${width} ${scheme}: ${words}`);
  page.complaints.length = 0;
  const answer = await page.goto(path, { waitUntil: 'load' });
  looked += 1;
  const isMissing = name === 'no-existe';
  if (answer.ok() === isMissing) return say(`${path} answers ${answer.status()}`);
  if (isMissing) page.complaints.length = 0; // the browser reports the 404 that was asked for
  try {
    await act?.(page);
  } catch (error) {
    return say(`could not be brought about: ${error.message.split('\n')[0]}`);
  }
  await page.evaluate(() => document.fonts.ready);
  for (const complaint of page.complaints.filter((one) => !(act === save && /status of 422/.test(one)))) say(complaint); // the refusal was asked for
  await sideways(page, say);
  if (width < PHONE_BELOW) for (const small of await smallTargets(page)) say(`small target ${small}`);
  for (const violation of await axe(page)) say(violation);
  if (folder) await screenshot(page, folder, `${name}-${width}${scheme === 'dark' ? '-dark' : ''}`);
}

async function sideways(page, say) {
  const view = page.viewportSize();
  for (const width of view.width === WIDTHS[0][0] ? [view.width, ...OTHER_WIDTHS] : [view.width]) {
    await page.setViewportSize({ width, height: view.height });
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (beyond > 0) say(`at ${width} px it scrolls sideways by ${beyond} px`);
  }
  await page.setViewportSize(view);
}

function smallTargets(page) {
  return page.evaluate((least) => {
    const controls = [...document.querySelectorAll('a.btn, button, input:not([type=hidden]), select, summary, nav a')];
    const seen = controls.filter((one) => one.checkVisibility() && !one.closest('.ac-vh, .ac-skip, [inert]'));
    const boxes = seen.map((one) => [one, (one.closest('label, .ac-target') ?? one).getBoundingClientRect()]);
    const small = boxes.filter(([, { width, height }]) => height < least && width > 0);
    return [...new Set(small.map(([one, box]) => `${one.tagName.toLowerCase()}.${one.className} «${(one.textContent || one.name || '').trim().slice(0, 24)}» ${Math.round(box.width)}x${Math.round(box.height)}`))];
  }, THUMB);
}
