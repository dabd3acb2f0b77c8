// Who comes in: from an empty folder to the first receipt, and somebody who is invited and loses a role in mid-form.
import assert from 'node:assert/strict';
import { visitor } from './lib.mjs';

const PASSWORD = 'una clave larga';
/** ms from asking until the demo's mailbox has the mail: a look at the queue a second, and a server that thinks. */
const MAILED_WITHIN = 15_000;
const main = (page) => page.getByRole('main');

/** The link that the empty installation printed, and on to a receipt that is on its way. No command was used. */
export async function firstStartToFirstReceipt(page, installation) {
  await page.goto('/');
  await main(page).getByRole('heading', { name: 'Falta el enlace del primer inicio' }).waitFor();
  await page.goto(installation.first);
  await main(page).getByLabel('RUC').fill('1790012344001');
  await main(page).getByLabel('Razón social').fill('Distribuidora Cotopaxi Cía. Ltda.');
  await main(page).getByLabel('Su nombre').fill('Ana Toapanta');
  await main(page).getByLabel(/^Su correo/).fill('ana@cotopaxi.ec');
  await main(page).getByLabel('Elija una contraseña').fill(PASSWORD);
  await main(page).getByRole('button', { name: 'Empezar' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await page.goto('/personas/nueva?lado=cliente');
  await main(page).getByLabel('Número').fill('0992339411001');
  await main(page).getByLabel('Razón social o nombres').fill('Comercial Andina S.A.');
  await main(page).getByLabel('Cliente', { exact: true }).check();
  await main(page).locator('#correos').fill('pagos@andina.example');
  await main(page).getByRole('button', { name: 'Guardar Ctrl + Enter' }).click();
  await main(page).getByRole('heading', { name: 'Comercial Andina S.A.' }).waitFor();
  await main(page).getByRole('link', { name: 'Nuevo cobro' }).click();
  await main(page).locator('input[name="valor"]').first().fill('71,50');
  await main(page).getByRole('button', { name: 'Guardar' }).click();
  const heading = page.getByRole('heading', { level: 1, name: /^Cobro RC-\d{6}$/ });
  await heading.waitFor();
  await main(page).getByText('pagos@andina.example').first().waitFor();
  return (await heading.innerText()).trim();
}

/** Invited by mail, accepted in another browser; the role goes while a cobro is being typed. */
export async function inviteAcceptLoseRole(page, demo, browser) {
  await page.goto('/mi-compania/usuarios');
  await main(page).getByRole('link', { name: 'Invitar a una persona' }).click();
  await main(page).getByLabel('Correo').fill('caja@empresa.example');
  await main(page).getByRole('radio', { name: 'Contabilidad' }).check();
  await main(page).getByRole('button', { name: 'Enviar la invitación' }).click();
  await main(page).getByRole('row', { name: /caja@empresa\.example/ }).waitFor();
  const link = await linkOf(page, /le invita a/);

  const other = await visitor(browser, demo);
  await other.goto(link);
  await main(other).getByLabel('Su nombre').fill('Verónica Chiluisa');
  await main(other).getByLabel('Elija una contraseña').fill(PASSWORD);
  await main(other).getByRole('button', { name: 'Crear mi usuario y entrar' }).click();
  await other.waitForURL((url) => url.pathname === '/');
  await other.goto('/personas/nueva');
  await main(other).getByLabel('Razón social o nombres').fill('Lo que se escribió S.A.');

  await page.goto('/mi-compania/usuarios');
  await main(page).getByRole('link', { name: 'Modificar: Verónica Chiluisa' }).click();
  await main(page).getByRole('radio', { name: 'Solo lectura' }).check();
  await main(page).getByRole('button', { name: 'Guardar', exact: true }).click();
  await main(page).getByRole('row', { name: /Verónica Chiluisa.*Solo lectura/ }).waitFor();

  await main(other).getByRole('button', { name: 'Guardar Ctrl + Enter' }).click();
  await main(other).getByRole('heading', { name: 'Su rol no permite esto' }).waitFor();
  assert.match(await main(other).innerText(), /Lo que se escribió S\.A\./, 'nothing typed is lost');
  await other.goto(link);
  await main(other).getByRole('heading', { name: 'Esta invitación ya se usó' }).waitFor();
  await other.context().close();
}

/** The link in the newest mail of the demo's mailbox with such a subject. */
async function linkOf(page, subject) {
  const until = Date.now() + MAILED_WITHIN;
  const mail = main(page).getByRole('link', { name: subject }).first();
  await page.goto('/demo/buzon');
  while (!(await mail.isVisible())) {
    assert.ok(Date.now() < until, 'the mail arrives');
    await page.waitForTimeout(300);
    await page.reload();
  }
  await page.goto(`${await mail.getAttribute('href')}/html`);
  return page.getByRole('link', { name: 'Aceptar la invitación' }).getAttribute('href');
}
