// What is solved is over, and lists: a wrong address is corrected and the alarm ends, a failed envío is closed by a person, a list
// is put in order and searched.
import assert from 'node:assert/strict';
import { fail, list } from './lib.mjs';
import { goTo } from './walk.mjs';

/** ms until the demo's workers have tried what was queued. */
const TRIED_WITHIN = 15_000;

const headers = (demo) => ({ authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' });

/** A cobro of the demo whose receipt goes where the demo's mail server refuses it. */
async function failedCobro(demo) {
  const [contact] = (await list(demo, '/contacts')).filter((one) => one.is_customer && one.emails.length === 1);
  const body = {
    direction: 'received', contact_id: contact.id, date: new Date(Date.now() - 5 * 3_600_000).toISOString().slice(0, 10),
    lines: [{ method: 'transfer', amount: '1450.00', reference: '88124507' }], allocations: [], notify: true, recipients: ['rebota@andina.example'],
  };
  const answer = await fetch(`${demo.url}/api/v1/payments`, { method: 'POST', headers: headers(demo), body: JSON.stringify(body) });
  if (!answer.ok) fail(`POST /payments: ${answer.status} ${await answer.text()}`);
  const payment = await answer.json();
  const until = Date.now() + TRIED_WITHIN;
  for (;;) {
    const [sent] = (await (await fetch(`${demo.url}/api/v1/payments/${payment.id}/deliveries`, { headers: headers(demo) })).json()).data;
    if (sent.state === 'failed') return { payment, sent };
    if (Date.now() > until) fail(`it was not refused: ${JSON.stringify(sent)}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** The number in the menu, of Inicio's rows, above the cobros and on the chip of Envíos. */
async function counted(page) {
  const number = async (path, css) => {
    await page.goto(path);
    const all = await page.locator(css).allInnerTexts();
    return Number(all[0]?.match(/\d+/)?.[0] ?? 0);
  };
  const menu = await number('/', '.ac-nav a[href="/envios"] .ac-count');
  const home = (await page.locator('.ac-todo b').allInnerTexts()).filter((row) => /^(Falló|Rebotó) el recibo/.test(row)).length;
  const cobros = await number('/cobros', '.ac-sumline a');
  const envios = await number('/envios?estado=problemas', '.ac-chips a');
  return [menu, home, cobros, envios];
}

export async function correctedIsOver(page, demo, hand, script) {
  const before = await counted(page);
  const { payment } = await failedCobro(demo);
  assert.deepEqual(await counted(page), before.map((n) => n + 1), 'one more, everywhere');
  await page.goto(`/cobros/${payment.id}`);
  const main = page.getByRole('main');
  await main.locator('#envios .ac-note[data-kind="bad"]').waitFor();
  await hand.write(main.getByLabel(/^Dirección correcta/), 'pagos@andina.example');
  await hand.press(main.getByRole('button', { name: 'Corregir y reenviar' }));
  await acceptedSoon(page, script);
  assert.equal(await main.locator('#envios .ac-note[data-kind="bad"]').count(), 0, 'no red box');
  assert.match(await main.locator('#historia-card').innerText(), /aceptado para pagos@andina\.example/, 'the history is fresh');
  assert.deepEqual(await counted(page), before, 'the alarm is over, everywhere');
}

async function acceptedSoon(page, script) {
  const accepted = page.locator('#envios [data-state="accepted"]');
  if (script) return accepted.first().waitFor({ timeout: TRIED_WITHIN });
  const until = Date.now() + TRIED_WITHIN;
  while ((await accepted.count()) === 0) {
    if (Date.now() > until) fail('it was not accepted');
    await page.waitForTimeout(200);
    await page.reload();
  }
}

export async function closedByAPerson(page, demo, hand, script) {
  const before = await counted(page);
  const { payment } = await failedCobro(demo);
  await page.goto(`/cobros/${payment.id}`);
  const main = page.getByRole('main');
  await hand.press(main.locator('summary', { hasText: 'Dar por resuelto' }));
  await hand.write(main.getByLabel(/^Motivo/), 'se lo di en mano');
  await hand.press(main.getByRole('button', { name: 'Dar por resuelto' }));
  await main.locator('#historia-card', { hasText: 'dio por resuelto el envío a rebota@andina.example: se lo di en mano' }).waitFor();
  if (script) assert.ok(await page.locator('main h1').evaluate((h1) => h1 === document.activeElement), 'the focus is on the heading');
  assert.deepEqual(await counted(page), before);
  await page.goto('/envios?estado=resueltos');
  assert.equal(await main.locator('.ac-bulk').count(), 0, 'nothing is offered for what is over');
}

/** The buttons for several follow what is chosen. */
export async function onlyWhatWorksIsOffered(page, demo, hand) {
  await failedCobro(demo);
  await page.goto('/envios?estado=problemas');
  const main = page.getByRole('main');
  const resolve = main.getByRole('button', { name: 'Dar por resuelto' });
  assert.ok(await resolve.isDisabled(), 'nothing is chosen yet');
  assert.equal(await main.getByRole('button', { name: 'Anular envío' }).count(), 0, 'what failed is not called back');
  await hand.tick(main.getByRole('checkbox', { name: /rebota@andina\.example/ }).first());
  assert.ok(await resolve.isEnabled());
  await hand.press(resolve);
  await main.getByRole('status').filter({ hasText: 'Se dio por resuelto: 1 envío.' }).waitFor();
}

export async function listsInOrder(page, demo, hand, script) {
  await failedCobro(demo);
  const main = page.getByRole('main');
  const column = async (n) => main.locator(`tbody tr > :nth-child(${n})`).allInnerTexts();
  const day = (text) => text.match(/(\d\d)\/(\d\d)\/(\d{4})/).slice(1).reverse().join('');
  await page.goto('/cobros');
  const usual = (await column(1)).map(day);
  assert.deepEqual(usual, [...usual].sort().reverse(), 'the newest date first');
  assert.equal(await main.locator('th[aria-sort]').innerText(), 'Fecha');
  for (const way of ['ascending', 'descending']) {
    await hand.press(main.getByRole('columnheader', { name: 'Cliente' }).getByRole('link'));
    await main.locator(`th[aria-sort="${way}"]`, { hasText: 'Cliente' }).waitFor();
    const people = await column(3);
    const sorted = [...people].sort((a, b) => a.localeCompare(b, 'es', { sensitivity: 'base' }));
    assert.deepEqual(people, way === 'ascending' ? sorted : sorted.reverse());
  }
  for (const typed of ['1.450,00', '1450', '1,450.00', '88124507']) {
    if (script) await page.keyboard.press('/');
    await hand.write(main.getByRole('searchbox'), typed);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('q') === typed);
    assert.ok((await main.locator('tbody tr').count()) >= 1, `«${typed}» is found`);
    assert.equal(await main.locator('th[aria-sort]').innerText(), 'Cliente', 'the order is kept');
  }
  await page.goto('/');
  const overdue = main.getByRole('link', { name: 'Ver los vencidos' }).first();
  await hand.press(overdue);
  await page.waitForURL(/edad=vencidos/);
  for (const due of await column(1)) assert.match(due, /vencid/, 'each of them is overdue');
}

/** «/» is a search on every page. */
export async function slashSearches(page) {
  for (const path of ['/', '/cobros', '/pagos', '/personas', '/documentos', '/envios', '/mi-compania/correos', '/mi-compania/datos', '/demo/buzon', '/mi-compania/correos/nueva']) {
    await page.goto(path);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.type), 'search', path);
  }
}

/** The mailbox has no window to scroll in, and is emptied. */
export async function emptiesTheMailbox(page, demo, hand) {
  await goTo(page, hand, 'Buzón de prueba');
  const main = page.getByRole('main');
  await main.locator('iframe').waitFor();
  const frame = page.frames().find((one) => one.url().endsWith('/html'));
  await frame.waitForLoadState();
  const [inner, outer] = [await main.locator('iframe').evaluate((one) => one.contentDocument.documentElement.scrollHeight), await main.locator('iframe').evaluate((one) => one.clientHeight)];
  assert.ok(outer >= inner, `the mail of ${inner} px stands in ${outer}`);
  await hand.press(main.getByRole('button', { name: 'Vaciar el buzón' }));
  await main.locator('.ac-empty').waitFor();
}
