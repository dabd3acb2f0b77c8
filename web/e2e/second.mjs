// The second step: codes of an application, recovery codes, and a key of Chromium's virtual authenticator (CDP).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

/** The code that an application shows (RFC 6238), so many steps of 30 seconds from now. */
function code(secret, steps = 0) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replaceAll(' ', '')].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const digest = createHmac('sha1', key).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

async function leave(page) {
  await page.goto('/mi-cuenta');
  if (!(await page.getByRole('button', { name: 'Salir' }).isVisible())) await page.getByRole('button', { name: 'Menú' }).first().click();
  await page.getByRole('button', { name: 'Salir' }).click();
  await page.waitForURL(/\/entrar/);
}

async function password(page, demo) {
  await page.goto('/entrar?volver=%2Fpersonas');
  await page.getByLabel('Correo').fill(demo.email);
  await page.getByLabel('Contraseña').fill(demo.password);
  await page.getByRole('button', { name: 'Entrar', exact: true }).click();
}

/** Codes are turned on, asked for, used once; then a recovery code, and a browser that is trusted. */
export async function codesOfAnApplication(page, demo) {
  await page.goto('/mi-cuenta');
  await page.getByRole('link', { name: 'Activar' }).click();
  const secret = await page.locator('dialog code').innerText();
  assert.ok(await page.getByRole('img', { name: /Código QR/ }).isVisible());
  await page.getByLabel(/El código de 6 cifras/).fill(code(secret));
  await page.getByRole('button', { name: 'Activar' }).click();
  await page.getByRole('heading', { name: 'Sus 10 códigos' }).waitFor();
  const codes = await page.locator('.ac-codes li').allInnerTexts();
  assert.equal(new Set(codes).size, 10);
  await page.getByRole('button', { name: 'Ya los guardé' }).click();
  assert.match(await page.getByRole('main').innerText(), /quedan 10 de 10/);
  await leave(page);
  await password(page, demo);
  await page.getByRole('heading', { name: 'Segundo paso' }).waitFor();
  await page.getByLabel('Código de 6 cifras').fill(code(secret, 1));
  await page.getByRole('button', { name: 'Entrar' }).click();
  await page.waitForURL(/\/personas$/);
  await leave(page);
  await password(page, demo);
  await page.getByText('No tengo el teléfono').click();
  await page.getByLabel('Código de recuperación').fill(codes[3].toUpperCase());
  await page.getByLabel('No pedirlo en este equipo durante 30 días').check();
  await page.getByRole('button', { name: 'Usar', exact: true }).click();
  await page.waitForURL(/\/personas$/);
  await leave(page);
  await password(page, demo);
  await page.waitForURL(/\/personas$/);
}

/** A key is made, enters by itself, and is the second step; a key of another person enters as that person or not at all. */
export async function aKey(page, demo) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
  await page.goto('/mi-cuenta');
  await page.getByRole('link', { name: 'Agregar una llave' }).click();
  await page.getByLabel(/Nombre/).last().fill('Llave de prueba');
  await page.getByRole('button', { name: 'Crear la llave' }).click();
  await page.getByRole('heading', { name: 'Códigos de recuperación' }).waitFor();
  await page.goto('/mi-cuenta');
  assert.match(await page.locator('section[aria-labelledby=llaves]').innerText(), /Llave de prueba/);
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  assert.equal(credentials.length, 1);
  await leave(page);
  await page.goto('/entrar?volver=%2Fpersonas');
  await page.getByRole('button', { name: 'Usar huella, rostro o llave' }).click();
  await page.waitForURL(/\/personas$/);
  await page.goto('/mi-cuenta');
  assert.match(await page.locator('section[aria-labelledby=llaves]').innerText(), /usada hoy/);
  // As the second step.
  await leave(page);
  await password(page, demo);
  await page.getByRole('heading', { name: 'Segundo paso' }).waitFor();
  await page.getByRole('button', { name: 'Usar huella, rostro o llave' }).click();
  await page.waitForURL(/\/personas$/);
  // Whoever does not show their finger does not enter.
  await leave(page);
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  await page.getByRole('button', { name: 'Usar huella, rostro o llave' }).click();
  await page.getByText('El navegador no dio ninguna llave').waitFor();
  assert.match(page.url(), /\/entrar/);
  // A key that counts backwards was copied.
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  const [own] = (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId: own.credentialId });
  await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...own, signCount: 0 } });
  await page.getByRole('button', { name: 'Usar huella, rostro o llave' }).click();
  await page.getByText('La llave no se reconoció').waitFor();
}
