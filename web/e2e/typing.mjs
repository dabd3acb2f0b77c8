// What is typed is what is saved: money under a typing hand, and forms that are not lost.
import assert from 'node:assert/strict';
import { personWithTwoOpen } from './walk.mjs';

const main = (page) => page.getByRole('main');
const field = (page, name, at = 0) => main(page).locator(`[name="${name}"]`).nth(at);
const saved = (page) => page.getByRole('heading', { level: 1, name: /^Cobro RC-\d+/ });

/** A new cobro for somebody with two open documents, as the list's links open it. */
async function newCobro(page, demo) {
  const { contact, documents } = await personWithTwoOpen(demo, 'receivable');
  await page.goto(`/cobros/nuevo?persona=${contact.id}`);
  await page.waitForLoadState('load');
  return { contact, documents };
}

async function clickInto(page, locator) {
  const box = await locator.boundingBox();
  await page.mouse.click(box.x + box.width - 20, box.y + box.height / 2); // where the figures stand
}

/** A withholding fills itself, and what is typed takes its place: 30 stays 30. */
export async function amountsUnderAHand(page, demo) {
  await newCobro(page, demo);
  await field(page, 'forma').selectOption('withholding');
  await main(page).locator('[data-base]').waitFor();
  await field(page, 'cuenta').fill('IVA 30 % · bienes');
  await field(page, 'numero').fill('001-001-000000900');
  await main(page).locator('[data-base]').click();
  await page.keyboard.type('100');
  await page.keyboard.press('Tab');
  const value = field(page, 'valor');
  assert.equal(await value.inputValue(), '30,00', 'the percentage of the base');
  await page.keyboard.type('30');
  assert.equal(await value.inputValue(), '30', 'what is typed takes its place');
  await page.keyboard.press('Tab');
  assert.equal(await value.inputValue(), '30,00');
  // By a click, at the end of the figures and twice.
  await value.fill('232,50');
  await field(page, 'descripcion').click();
  await clickInto(page, value);
  await page.keyboard.type('60');
  assert.equal(await value.inputValue(), '60');
  await page.keyboard.press('Tab');
  assert.equal(await value.inputValue(), '60,00');
  await clickInto(page, value);
  await clickInto(page, value);
  await page.keyboard.press('End');
  await page.keyboard.press('Backspace');
  assert.equal(await value.inputValue(), '60,0', 'a second click sets the caret');
  // A base that changes leaves what somebody wrote.
  await main(page).locator('[data-base]').fill('500');
  assert.equal(await value.inputValue(), '60,00');
  await page.keyboard.press('Tab');
  // Undo gives back what was typed, and nothing in between.
  const note = field(page, 'descripcion');
  await note.click();
  await page.keyboard.type('hola');
  await page.keyboard.press('Control+z');
  assert.doesNotMatch(await value.inputValue(), /NaN|undefined|60,060/);
}

/** The answer of the server comes late: what was typed meanwhile, and where, is left alone. */
export async function answersThatComeLate(page, demo) {
  await newCobro(page, demo);
  await page.route('**/cobros/nuevo', async (route) => {
    await new Promise((done) => setTimeout(done, 700));
    await route.continue();
  });
  const value = field(page, 'valor');
  await value.fill('10');
  await main(page).getByRole('button', { name: /Agregar forma/ }).click();
  await clickInto(page, value);
  await page.keyboard.type('25,5');
  await field(page, 'valor', 1).waitFor();
  await page.keyboard.type('0');
  assert.equal(await value.inputValue(), '25,50', 'the caret stays where it was');
  await main(page).getByRole('button', { name: /Agregar forma/ }).click();
  await clickInto(page, value);
  await field(page, 'valor', 2).waitFor();
  await page.keyboard.type('7');
  assert.equal(await value.inputValue(), '7', 'a selection stays one');
}

/** Two facturas are ticked, and the one form takes their sum; else it is said what is missing. */
export async function oneEmptyFormTakesTheSum(page, demo) {
  const { documents } = await newCobro(page, demo);
  for (const one of documents.slice(0, 2)) await main(page).getByRole('checkbox', { name: one.number }).check();
  const sum = documents.slice(0, 2).reduce((all, { balance }) => all + Math.round(Number(balance) * 100), 0);
  const written = (cents) => new Intl.NumberFormat('de-DE', { minimumFractionDigits: 2 }).format(cents / 100);
  const value = field(page, 'valor');
  assert.equal(await value.inputValue(), written(sum));
  await main(page).getByRole('checkbox', { name: documents[1].number }).uncheck();
  assert.equal(await value.inputValue(), written(Math.round(Number(documents[0].balance) * 100)), 'and follows');
  await main(page).getByRole('checkbox', { name: documents[1].number }).check();
  await value.fill('1');
  assert.equal(await main(page).locator('[data-sum="falta"]').innerText(), written(sum - 100));
  assert.ok(await main(page).getByText('Falta por cubrir').isVisible());
  assert.ok(!(await main(page).getByText('Anticipo a favor').isVisible()));
  assert.doesNotMatch(await main(page).innerText(), /−/, 'nothing negative is shown');
}

/** After Back nothing is ticked that was not ticked for the page that is there: a form's rows are others by then. */
export async function backTicksNothing(page, demo) {
  page.on('dialog', (dialog) => dialog.accept());
  const { documents } = await newCobro(page, demo);
  await main(page).getByRole('checkbox', { name: documents[0].number }).check();
  await field(page, 'numero').fill('880001');
  await main(page).getByRole('button', { name: /^Guardar/ }).click();
  await saved(page).waitFor();
  await page.goBack();
  await main(page).getByRole('heading', { name: 'Nuevo cobro' }).waitFor();
  await page.waitForLoadState('load');
  assert.equal(await main(page).locator('[name="doc"]:checked').count(), 0);
  for (const abono of await main(page).locator('[name="abono"]').all()) assert.equal(await abono.inputValue(), '');
  await page.goto('/envios?estado=todos');
  const ticks = main(page).locator('[name="envio"]');
  await ticks.first().check();
  await page.getByRole('link', { name: 'Inicio' }).first().click();
  await page.waitForURL((url) => url.pathname === '/');
  await page.goBack();
  await ticks.first().waitFor();
  assert.equal(await main(page).locator('[name="envio"]:checked').count(), 0);
}

/** «1,500» is asked about where it stands, by pointer and by keyboard, and on a document's form too. */
export async function twoReadings(page, demo) {
  await newCobro(page, demo);
  const value = field(page, 'valor');
  await value.fill('1,500');
  await page.keyboard.press('Tab');
  await main(page).getByRole('button', { name: '1.500,00', exact: true }).click();
  assert.equal(await value.inputValue(), '1.500,00');
  await value.fill('USD 35,00');
  await page.keyboard.press('Tab');
  assert.equal(await value.inputValue(), '35,00');
  await value.fill('1,500.50');
  await page.keyboard.press('Tab');
  assert.equal(await value.inputValue(), '1.500,50');
  for (const [typed, words] of [['abc', 'No es un número.'], ['=5+5', 'No es un número.'], ['-5', 'Debe ser mayor que cero.'], ['0', 'Debe ser mayor que cero.']]) {
    await value.fill(typed);
    await page.keyboard.press('Tab');
    assert.ok(await main(page).getByText(words).isVisible(), `${typed} is told at once`);
  }
  await value.fill('35,00.');
  await page.keyboard.press('Tab');
  assert.equal(await value.inputValue(), '35,00');
  assert.equal(await main(page).locator('.is-invalid').count(), 0);
  await page.goto('about:blank');
  await page.goto('/documentos/nuevo');
  await field(page, 'total').fill('2,500');
  await page.keyboard.press('Tab');
  const cents = main(page).getByRole('button', { name: '2,50', exact: true });
  await cents.waitFor();
  await page.keyboard.press('Shift+Tab');
  assert.ok(await cents.evaluate((button) => button === document.activeElement), 'the answers are beside the field');
  await page.keyboard.press('Enter');
  assert.equal(await field(page, 'total').inputValue(), '2,50');
}

/** A withholding that does not add up, and a twin: asked once, saved when it is answered. */
export async function askedBeforeItIsSaved(page, demo) {
  await newCobro(page, demo);
  for (const turn of [1, 2]) {
    if (turn === 2) await newCobro(page, demo);
    await field(page, 'numero').fill('77120045');
    await field(page, 'valor').fill('12,34');
    await main(page).getByRole('button', { name: /^Guardar/ }).click();
    if (turn === 1) await saved(page).waitFor();
  }
  await main(page).getByText('Parece repetido:').waitFor();
  assert.match(await main(page).innerText(), /esta transferencia ya está en RC-\d+/);
  assert.equal(await field(page, 'valor').inputValue(), '12,34');
  await main(page).getByRole('checkbox', { name: 'Así es' }).check();
  await main(page).getByRole('button', { name: /^Guardar/ }).click();
  await saved(page).waitFor();

  await newCobro(page, demo);
  await field(page, 'forma').selectOption('withholding');
  const fields = main(page).getByRole('button', { name: 'Mostrar los campos de cada forma' });
  if (await fields.isVisible()) await fields.click();
  await main(page).locator('[data-base]').waitFor();
  await field(page, 'cuenta').fill('IR 2 % · bienes');
  await field(page, 'numero').fill('001-001-000000977');
  await main(page).locator('[data-base]').fill('100');
  await field(page, 'valor').fill('99');
  await main(page).getByRole('button', { name: /^Guardar/ }).click();
  await main(page).getByText('La retención no cuadra:').waitFor();
  await main(page).getByText('Retención sin documento:').waitFor();
  forget(page, '422');
}

/** A form that comes back is no fault, though the browser notes its status. */
function forget(page, status) {
  page.complaints = page.complaints.filter((one) => !one.includes(`status of ${status}`));
}

async function leaveInAnotherTab(page) {
  const other = await page.context().newPage();
  await other.goto('/');
  await other.getByRole('button', { name: 'Salir' }).click();
  await other.getByRole('heading', { name: 'Entrar' }).waitFor();
  await other.close();
}

/** The session ended meanwhile: the login carries the form, and goes on with it. */
export async function aSessionThatEnds(page, demo) {
  await newCobro(page, demo);
  await field(page, 'valor').fill('43,21');
  await field(page, 'numero').fill('55001');
  await field(page, 'descripcion').fill('Ñandú & «cía»');
  await leaveInAnotherTab(page);
  await main(page).getByRole('button', { name: /^Guardar/ }).click();
  await page.getByText('Lo que escribió está aquí').waitFor();
  assert.ok(await page.getByText('Usted salió de Acuse en este navegador.').isVisible(), 'it says why');
  await page.getByLabel('Contraseña').fill(demo.password);
  await page.getByRole('button', { name: 'Entrar y seguir' }).click();
  await saved(page).waitFor();
  assert.match(await main(page).innerText(), /43,21/);
  assert.match(await main(page).innerText(), /Ñandú & «cía»/);
  forget(page, '401');
}

/** The type-ahead and the buttons of the form say that the session ended, and lose nothing. */
export async function aSessionThatEndsUnderTheScript(page, demo) {
  const { contact } = await newCobro(page, demo);
  await field(page, 'valor').fill('43,21');
  await leaveInAnotherTab(page);
  await main(page).getByRole('button', { name: /Agregar forma/ }).click();
  await page.getByText('Lo que escribió está aquí').waitFor();
  await page.getByLabel('Contraseña').fill(demo.password);
  await page.getByRole('button', { name: 'Entrar y seguir' }).click();
  await field(page, 'valor', 1).waitFor();
  assert.equal(await field(page, 'valor').inputValue(), '43,21');
  await page.goto('about:blank');
  await page.goto('/cobros/nuevo');
  await leaveInAnotherTab(page);
  const person = main(page).getByRole('combobox', { name: 'Cliente' });
  await person.click();
  await page.keyboard.type(contact.name.slice(0, 6));
  const told = main(page).getByRole('option', { name: /Su sesión terminó/ });
  await told.waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Lo que escribió está aquí').waitFor();
  await page.getByLabel('Contraseña').fill(demo.password);
  await page.getByRole('button', { name: 'Entrar y seguir' }).click();
  await main(page).getByRole('heading', { name: 'Nuevo cobro' }).waitFor();
  forget(page, '401');
}

/** A half-typed form asks before it is left; an empty one, and one that is sent, do not. */
export async function leaving(page, demo) {
  let asked = 0;
  page.on('dialog', async (dialog) => {
    asked += dialog.type() === 'beforeunload' ? 1 : 0;
    await dialog.accept();
  });
  for (const path of ['/cobros/nuevo', '/pagos/nuevo', '/personas/nueva', '/documentos/nuevo', '/mi-compania/datos']) {
    await page.goto(path);
    await main(page).locator('form[method="post"]').first().waitFor();
    await page.getByRole('link', { name: 'Inicio' }).first().click();
    await page.waitForURL((url) => url.pathname === '/');
    assert.equal(asked, 0, `${path} is as it was opened`);
    await page.goto(path);
    const text = main(page).locator('form[method="post"] input:not([type], [readonly]):visible').first();
    await text.click();
    await page.keyboard.type('xyz');
    await page.getByRole('link', { name: 'Inicio' }).first().click();
    await page.waitForURL((url) => url.pathname === '/');
    assert.equal(asked, 1, `${path} asks`);
    asked = 0;
  }
  await newCobro(page, demo);
  await field(page, 'valor').fill('5');
  await main(page).getByRole('button', { name: /Agregar forma/ }).click();
  await field(page, 'valor', 1).waitFor();
  await page.reload();
  assert.equal(asked, 1, 'a swap forgets nothing');
  asked = 0;
  await field(page, 'valor').fill('8,76');
  await field(page, 'numero').fill('990011');
  await main(page).getByRole('button', { name: /^Guardar/ }).click();
  await saved(page).waitFor();
  assert.equal(asked, 0, 'what is sent is not asked about');
  // What the page was asking when it was left got no answer.
  page.complaints = page.complaints.filter((one) => !one.includes('Failed to fetch'));
}

/** «Crear la persona» from a half-typed cobro, by keyboard, though others match; then a supplier becomes a customer too. */
export async function createThePerson(page, demo) {
  await newCobro(page, demo);
  await field(page, 'valor').fill('71,50');
  await field(page, 'numero').fill('44321');
  const person = main(page).getByRole('combobox', { name: 'Cliente' });
  await person.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('com', { delay: 30 });
  const create = main(page).getByRole('option', { name: /Crear la persona/ });
  await create.waitFor();
  assert.ok((await main(page).getByRole('option').count()) > 1, 'others match');
  for (let n = 0; n < 20 && (await create.getAttribute('aria-selected')) !== 'true'; n += 1) await page.keyboard.press('ArrowDown');
  assert.equal(await create.getAttribute('aria-selected'), 'true', '↓ reaches it');
  await page.keyboard.press('Enter');
  await main(page).getByRole('heading', { name: 'Nueva persona' }).waitFor();
  await main(page).getByLabel('Número').fill('0992339411001');
  await main(page).getByLabel('Razón social o nombres').fill('Completamente Nueva S.A.');
  await page.keyboard.press('Control+Enter');
  await main(page).getByRole('heading', { name: 'Nuevo cobro' }).waitFor();
  assert.equal(await person.inputValue(), 'Completamente Nueva S.A.');
  assert.equal(await field(page, 'valor').inputValue(), '71,50');
  assert.equal(await field(page, 'numero').inputValue(), '44321');
}

