// A hundred companies and the keyboard: Alt+C, a few letters, Enter.
import assert from 'node:assert/strict';
import { fail } from './lib.mjs';

const MANY = 104;
const NAMES = ['Textiles Otavalo Cía. Ltda.', 'Hostería Baños del Sol S.A.', 'Notaría Décima de Ambato'];

/** RUCs of private companies of Pichincha: the SRI gives them numbers without a check digit. */
const ruc = (number) => `179${String(number).padStart(7, '0')}001`;

/** Adds companies as the page's own form does, without waiting for a hundred pages. */
async function addMany(page) {
  for (let number = 1; number < MANY; number += 1) {
    const razon = NAMES[number - 1] ?? `Comercial Número ${number} S.A.`;
    const answer = await page.request.post('/companias/nueva', { form: { ruc: ruc(number), razon }, maxRedirects: 0 });
    if (answer.status() !== 303) fail(`${razon}: ${answer.status()} ${(await answer.text()).slice(0, 400)}`);
  }
}

const here = (page) => page.locator('.ac-company summary').innerText();

/** Alt+C from any page, some letters, Enter: in the company. */
async function goTo(page, typed, name) {
  const { keyboard } = page;
  await keyboard.press('Alt+C');
  await page.waitForURL('**/companias');
  await page.waitForFunction(() => document.activeElement?.matches('form[data-companies] input'));
  await keyboard.type(typed, { delay: 15 });
  await keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');
  assert.match(await here(page), name);
}

/** Walks between a hundred companies without a pointer. Answers how long the longest change took. */
export async function hundredCompanies(page) {
  await addMany(page);
  await page.goto('/');
  let longest = 0;
  for (const [typed, name] of [['ota', /Otavalo/], ['hbs', /Baños del Sol/], ['decima', /Décima/], [ruc(50).slice(0, 10), /Número 50 /], ['número 77', /Número 77 /], ['dc', /Cotopaxi/]]) {
    const begun = Date.now();
    await goTo(page, typed, name);
    longest = Math.max(longest, Date.now() - begun);
  }
  await page.keyboard.press('Alt+C');
  await page.waitForURL('**/companias');
  await page.keyboard.type('comercial');
  await page.locator('.ac-found').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const chosen = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/');
  assert.ok((await here(page)).includes(chosen), chosen);
  return `${MANY} companies, a change took ${longest} ms at most`;
}

/** A form that stayed open in another tab does nothing in the company that was entered since. */
export async function theOtherTab(page, demo, hand) {
  const answer = await page.request.post('/companias/nueva', { form: { ruc: ruc(1), razon: NAMES[0] }, maxRedirects: 0 });
  assert.equal(answer.status(), 303);
  await page.goto('/personas/nueva');
  const other = await page.context().newPage();
  await other.goto('/companias?cuales=todas');
  await other.getByRole('button', { name: /Cotopaxi/ }).click();
  await other.waitForURL((url) => url.pathname === '/');
  await hand.write(page.locator('#nombre'), 'Nueva S.A.');
  await hand.press(page.locator('form.ac-entry button.btn-primary[type="submit"]').first());
  await page.getByRole('heading', { name: 'Usted está en otra compañía' }).waitFor();
  await hand.press(page.getByRole('button', { name: /Entrar en ella y seguir/ }));
  assert.equal(await page.locator('#nombre').inputValue(), 'Nueva S.A.');
  await other.close();
}
