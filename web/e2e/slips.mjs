// «¿Quiso decir pagos@gmail.com?»: before anything is recorded or sent, answered with one button, and never asked again.
import assert from 'node:assert/strict';
import { list } from './lib.mjs';
import { personWithTwoOpen } from './walk.mjs';

/** A cobro to an address with a slip, one that is right all the same, and what Outlook pastes; then its receipt once more. */
export async function slipIsAskedOnce(page, demo, hand) {
  const { contact } = await personWithTwoOpen(demo, 'receivable');
  const main = page.getByRole('main');
  const before = (await list(demo, '/payments')).length;
  await page.goto(`/cobros/nuevo?persona=${contact.id}`);
  await hand.write(main.getByLabel('Fecha', { exact: true }), 'hoy');
  await hand.write(main.locator('input[name="valor"]').first(), '10,00');
  await hand.press(main.getByRole('button', { name: 'Cambiar' }));
  await hand.write(main.locator('textarea[name="para"]'), '"Smith, Alice" <alice@gmial.com>; ana@hotmail.con');
  await save(page, hand);
  await main.getByText('Escribió alice@gmial.com. ¿Quiso decir alice@gmail.com?').first().waitFor();
  assert.ok(await main.getByRole('heading', { name: 'No se guardó: hay 1 dato por confirmar' }).isVisible());
  assert.equal((await list(demo, '/payments')).length, before, 'nothing is recorded before the answer');
  await hand.press(main.getByRole('button', { name: 'Así es' }));
  await main.getByText('Escribió ana@hotmail.con. ¿Quiso decir ana@hotmail.com?').first().waitFor();
  await hand.press(main.getByRole('button', { name: 'Corregir' }));
  await page.getByRole('heading', { level: 1, name: /^Cobro RC-\d{6}$/ }).waitFor();
  assert.deepEqual((await main.locator('#envios h3').allInnerTexts()).sort(), ['alice@gmial.com', 'ana@hotmail.com']);

  await page.goto(`${page.url()}/reenviar`);
  const dialog = page.getByRole('dialog');
  await hand.write(dialog.getByLabel(/^Otra dirección/), 'juan@outlok.com');
  await hand.press(dialog.getByRole('button', { name: /^Reenviar/ }));
  await dialog.getByText('¿Quiso decir juan@outlook.com?').first().waitFor();
  await hand.press(dialog.getByRole('button', { name: 'Corregir' }));
  await main.locator('#envios h3', { hasText: 'juan@outlook.com' }).first().waitFor();
  // A page with a question is answered with 422, which Chromium notes in its console; what was asked on leaving «Para» gets no
  // answer where Guardar leaves the page.
  page.complaints = page.complaints.filter((complaint) => !complaint.includes('status of 422') && !complaint.includes('Failed to fetch'));
}

/** «Para» asks as soon as it is left, and its answer saves nothing. */
export async function slipIsAskedOnLeaving(page, demo) {
  const { contact } = await personWithTwoOpen(demo, 'receivable');
  const main = page.getByRole('main');
  const before = (await list(demo, '/payments')).length;
  await page.goto(`/cobros/nuevo?persona=${contact.id}`);
  await main.locator('input[name="valor"]').first().fill('10,00');
  await main.getByRole('button', { name: 'Cambiar' }).click();
  const to = main.locator('textarea[name="para"]');
  await to.fill('alice@gmial.com, ana@hotmail.con');
  await page.keyboard.press('Tab');
  await main.getByText('Escribió alice@gmial.com. ¿Quiso decir alice@gmail.com?').waitFor();
  await main.getByRole('button', { name: 'Corregir' }).click();
  await main.getByText('Escribió ana@hotmail.con. ¿Quiso decir ana@hotmail.com?').waitFor();
  assert.equal(await to.inputValue(), 'alice@gmail.com; ana@hotmail.con', 'only the one that was named');
  assert.equal(await main.locator('input[name="valor"]').first().inputValue(), '10,00');
  assert.equal((await list(demo, '/payments')).length, before, 'nobody pressed Guardar');
}

async function save(page, hand) {
  await hand.press(page.getByRole('main').getByRole('button', { name: /^Guardar/ }).last());
}
