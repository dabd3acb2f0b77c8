// «Conectar con Google»: to the provider's own page, back, tried; refused first, then permitted.
import assert from 'node:assert/strict';
import { screenshot } from './lib.mjs';

/** ms; the check's own limit, and a little for the page. */
const CHECKED_WITHIN = 22_000;
const ADDRESS = 'cobros@empresa.example';

/** With script the page tries the account by itself; without, one presses Probar: no page that is only opened logs in anywhere. */
export async function connectMailbox(page, withScript) {
  const main = page.getByRole('main');
  await page.goto('/mi-compania/correos/nueva');
  await main.getByLabel('Correo que envía').fill(ADDRESS);
  await main.getByRole('button', { name: 'Conectar con Google' }).click();

  await page.getByRole('link', { name: 'Cancelar' }).click();
  await main.getByRole('heading', { name: 'No se dio el permiso' }).waitFor();
  assert.match(await main.innerText(), /access_denied/, 'the words of the provider');
  // The page that says so is no success, and the browser notes that.
  page.complaints = page.complaints.filter((one) => !/status of 422 .*\/oauth\/google\?.*error=access/.test(one));
  await main.getByRole('button', { name: 'Conectar otra vez con Google' }).click();

  await page.getByRole('link', { name: 'Permitir' }).click();
  if (!withScript) await main.getByRole('button', { name: 'Probar', exact: true }).click();
  await main.getByRole('heading', { name: 'Configuración correcta' }).waitFor({ timeout: CHECKED_WITHIN });
  assert.match(await main.innerText(), /Conectada con Google/, 'in place of a password');
  await screenshot(page, 'e2e/pictures', 'correo-conectado');
  await page.goto('/mi-compania/correos');
  const card = main.getByRole('article').filter({ hasText: ADDRESS });
  assert.match(await card.innerText(), /conectada con Google/);
  assert.match(await card.innerText(), /Configuración correcta/);
}
