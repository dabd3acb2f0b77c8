// npm run script: web/dist/acuse.js against small pages under the real policy, without a server of ours. Exits 1 when a promise is broken.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { openBrowser } from './lib.mjs';

const POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const SWAP = 'hx-post="/echo" hx-target="#contenido" hx-select="#contenido" hx-swap="outerHTML"';
let polls = 0;

const page_ = (body) => `<!doctype html><html lang="es"><head><meta charset="utf-8"><title>x</title><link rel="icon" href="data:,">
  <meta name="htmx-config" content='{"includeIndicatorCSS":false,"history":false}'><script src="/acuse.js" defer></script></head><body><main id="contenido">${body}</main></body></html>`;
const row = (number, balance) => `<tr><td><input type="checkbox" name="doc" data-balance="${balance}" aria-label="${number}"></td><td><input name="abono" aria-label="Abono ${number}" class="ac-money-in"></td></tr>`;
const dialog = '<dialog open class="ac-dialog"><form action="/echo" method="post"><input name="para" autofocus><a href="/lista" data-leave>Cancelar</a><button aria-keyshortcuts="Control+Enter">Reenviar</button></form></dialog>';
const verdict = '<div class="ac-probe"><form id="cuenta" action="/probar"><input id="nota" name="nota"></form><section class="ac-probe-side"><h2 id="diag" tabindex="-1" autofocus>Configuración errónea</h2></section></div>';
const rows = (...list) => list.map(([phase, state]) => `<li data-phase="${phase}" data-state="${state}"><b>${phase}</b><span class="ac-ms"${state === 'now' ? ' data-ticking' : ''}></span></li>`).join('');
const said = (event, data) => `event: ${event}\n${data.split('\n').map((line) => `data: ${line}`).join('\n')}\n\n`;
let aborted = 0;

const answers = {
  '/lista': () => page_(`<input type="search" name="q" aria-keyshortcuts="/"><a href="/nuevo" aria-keyshortcuts="N">Nuevo</a><a href="/dialogo" data-dialog>Reenviar…</a>`),
  '/dialogo': () => page_(dialog),
  '/nuevo': () => page_(`<form data-sums action="/echo" method="post">
    <div class="ac-combo" data-search="/personas"><input type="hidden" name="persona_id"><input role="combobox" name="persona" aria-controls="personas" aria-expanded="false">
      <ul id="personas" role="listbox" hidden></ul><button name="accion" value="persona" type="submit" ${SWAP}>Elegir</button></div>
    <table><tbody><tr><td><select name="forma"><option value="transfer">Transferencia</option><option value="withholding">Retención</option></select></td><td><input name="valor" aria-label="Valor 1" class="ac-money-in"></td></tr>
    <tr><td><select name="forma"><option value="withholding">Retención</option></select></td><td><input name="valor" aria-label="Valor 2" class="ac-money-in"></td></tr></tbody></table>
    <table><tbody>${row('4388', '640,00')}${row('4512', '1.380,00')}</tbody></table>
    <dl>${['aplicado', 'anticipo', 'retenido', 'dinero', 'total'].map((sum) => `<dd data-sum="${sum}">0,00</dd>`).join('')}</dl>
    <button name="accion" value="forma" aria-keyshortcuts="Alt+F" ${SWAP}>Agregar forma</button><button name="accion" value="guardar" aria-keyshortcuts="Control+Enter">Guardar</button></form>`),
  '/personas': ({ q }) => `<li role="option" id="p1" data-id="7" data-name="Comercial Andina" aria-selected="false">Comercial Andina (${q})</li><li role="option" id="p2" data-id="8" data-name="Luis Andino" aria-selected="false">Luis Andino</li>`,
  '/vivo': () => page_(`<section id="envios" ${(polls += 1) < 3 ? 'hx-get="/vivo" hx-select="#envios" hx-swap="outerHTML" hx-trigger="every 1s"' : ''}>${polls < 3 ? 'En cola' : 'Aceptado'}<input name="nota"></section>`),
  '/cuenta': ({ como }) => page_(`<div class="ac-probe"><form id="cuenta" action="/probar" method="post"><input type="hidden" name="como" value="${como ?? ''}"><input id="nota" name="nota"><div class="card-footer"><button name="accion" value="probar" data-probe>Probar</button></div></form><section class="ac-probe-side"></section></div>
    <template id="probando"><section class="ac-probe-side"><div class="ac-verdict-head"><h2 tabindex="-1">Probando la cuenta</h2><p><span data-seconds>0</span></p><button type="button" data-stop>Detener</button></div><ol>${rows(['dns', 'wait'], ['connect', 'wait'])}</ol></section></template>
    <template id="detenida"><div class="ac-verdict-head"><h2 tabindex="-1">Prueba detenida</h2><span data-sent hidden></span></div></template>
    <template id="cortada"><div class="ac-verdict-head"><h2 tabindex="-1">La prueba no terminó</h2></div></template>`),
  '/lento': async (form) => { if (form.nota !== undefined) await new Promise((done) => setTimeout(done, 600)); return page_(`<form action="/lento"><select id="forma" name="forma" aria-label="Forma" hx-get="/lento" hx-include="closest form" hx-trigger="change" hx-target="#contenido" hx-select="#contenido" hx-swap="outerHTML">${['cash', 'check', 'card'].map((one) => `<option${one === form.forma ? ' selected' : ''}>${one}</option>`).join('')}</select>
    <input id="nota" name="nota" aria-label="Nota" value="${form.nota ?? ''}"><output>${form.forma ?? ''}</output></form>`); },
  '/echo': (form) => page_(`<p id="eco" tabindex="-1" autofocus>${JSON.stringify(form).replaceAll('<', '&lt;')}</p>`),
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://x');
  if (url.pathname === '/acuse.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(readFileSync(new URL('../dist/acuse.js', import.meta.url)));
  let body = '';
  for await (const part of request) body += part;
  if (url.pathname === '/probar') return tellLive(request, response, new URLSearchParams(body));
  const html = await answers[url.pathname]?.(Object.fromEntries(new URLSearchParams(body || url.search)));
  response.writeHead(html ? 200 : 404, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY }).end(html);
});

/** As the server streams it: in pieces that end anywhere, even inside a letter. */
async function tellLive(request, response, form) {
  assert.match(request.headers.accept, /text\/event-stream/);
  response.on('close', () => (aborted += response.writableFinished ? 0 : 1));
  response.writeHead(200, { 'content-type': 'text/event-stream', 'content-security-policy': POLICY });
  const bytes = Buffer.from(said('fases', rows(['dns', 'now'])) + said('fases', rows(['dns', 'ok'], ['connect', 'now'])));
  for (const part of [bytes.subarray(0, 9), bytes.subarray(9, 100), bytes.subarray(100)]) {
    response.write(part);
    await new Promise((done) => setTimeout(done, 60));
  }
  await new Promise((done) => setTimeout(done, 500));
  if (form.get('como') === 'cortada') return response.destroy();
  const end = Buffer.from(said('fin', page_(verdict)));
  const half = end.indexOf('ó') + 1;
  response.write(end.subarray(0, half));
  await new Promise((done) => setTimeout(done, 30));
  response.end(end.subarray(half));
}

await new Promise((done) => server.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await openBrowser();

const promises = {
  async '/ goes to the search and N to a new one, but not while typing'(page) {
    await page.goto(`${base}/lista`);
    await page.keyboard.press('/');
    await page.keyboard.type('n/');
    assert.equal(await page.inputValue('[name=q]'), 'n/');
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('n');
    await page.waitForURL('**/nuevo');
  },
  async 'a dialog opens over its page, takes the focus and gives it back'(page) {
    await page.goto(`${base}/lista`);
    for (const leave of [() => page.keyboard.press('Escape'), () => page.click('text=Cancelar'), () => page.mouse.click(5, 500)]) {
      await page.click('text=Reenviar…');
      await page.waitForSelector('dialog:modal');
      assert.equal(await page.evaluate(() => document.activeElement.name), 'para');
      await leave();
      await page.waitForFunction(() => !document.querySelector('dialog') && document.activeElement.textContent === 'Reenviar…');
      assert.equal(page.url(), `${base}/lista`);
    }
    await page.click('text=Reenviar…');
    await page.waitForSelector('dialog:modal');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL('**/echo');
  },
  async 'as a page of its own, Esc leaves the dialog by its Cancelar'(page) {
    await page.goto(`${base}/dialogo`);
    await page.keyboard.press('Escape');
    await page.waitForURL('**/lista');
  },
  async 'totals follow what is typed, and Space fills a balance'(page) {
    await page.goto(`${base}/nuevo`);
    const sums = () => page.evaluate(() => [...document.querySelectorAll('[data-sum]')].map((dd) => dd.textContent).join(' '));
    await page.fill('[aria-label="Valor 1"]', '1.000,5');
    await page.fill('[aria-label="Valor 2"]', '20');
    await page.focus('[aria-label="4512"]');
    await page.keyboard.press('Space');
    assert.equal(await page.inputValue('[aria-label="Abono 4512"]'), '1.380,00');
    assert.equal(await sums(), '1.380,00 0,00 20,00 1.000,50 1.020,50');
    assert.equal(await page.inputValue('[aria-label="Valor 1"]'), '1.000,50');
    await page.selectOption('select >> nth=0', 'withholding');
    assert.equal(await sums(), '1.380,00 0,00 1.020,50 0,00 1.020,50');
    await page.fill('[aria-label="Abono 4388"]', '1');
    assert.ok(await page.isChecked('[aria-label="4388"]'));
    await page.fill('[aria-label="Abono 4388"]', '');
    assert.ok(!(await page.isChecked('[aria-label="4388"]')));
  },
  async 'a person is found and chosen without the mouse'(page) {
    await page.goto(`${base}/nuevo`);
    await page.focus('[role=combobox]');
    await page.keyboard.type('andi');
    await page.waitForSelector('#p1');
    assert.equal(await page.getAttribute('[role=combobox]', 'aria-activedescendant'), 'p1');
    await page.keyboard.press('Escape');
    assert.ok(await page.isHidden('#p1'));
    await page.keyboard.press('ArrowDown');
    await page.waitForSelector('#p1');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.getAttribute('[role=combobox]', 'aria-activedescendant'), 'p1', 'the first ↓ lands on the first match');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const sent = JSON.parse(await page.textContent('#eco'));
    assert.deepEqual([sent.persona_id, sent.persona, sent.accion], ['8', 'Luis Andino', 'persona']);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'eco');
  },
  async 'a person is chosen with the mouse'(page) {
    await page.goto(`${base}/nuevo`);
    await page.fill('[role=combobox]', 'andi');
    await page.click('#p1');
    assert.equal(JSON.parse(await page.textContent('#eco')).persona_id, '7');
  },
  async 'Alt+F brings the form back in place, Ctrl+Enter sends it'(page) {
    await page.goto(`${base}/nuevo`);
    await page.waitForSelector('[data-htmx-powered]'); // before that the button simply submits its form
    await page.keyboard.press('Alt+f');
    await page.waitForSelector('#eco');
    assert.equal(page.url(), `${base}/nuevo`);
    await page.goto(`${base}/nuevo`);
    await page.focus('[aria-label="Valor 1"]');
    await page.keyboard.press('Control+Enter');
    await page.waitForURL('**/echo');
    assert.equal(JSON.parse(await page.textContent('#eco')).accion, 'guardar');
  },
  async 'what is typed or chosen while an answer is on its way stays, and the server hears of it'(page) {
    await page.goto(`${base}/lento`);
    await page.waitForSelector('[data-htmx-powered]');
    await page.focus('#forma');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.type('88124507');
    await page.waitForFunction(() => document.querySelector('output').textContent === 'check');
    assert.equal(await page.inputValue('#nota'), '88124507');
    await page.focus('#forma');
    await page.keyboard.press('Home');
    await page.waitForTimeout(100);
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('output').textContent === 'card');
    assert.equal(await page.inputValue('#forma'), 'card');
    assert.equal(await page.inputValue('#nota'), '88124507');
  },
  async 'a live part follows until nothing more happens, and never takes away what one types'(page) {
    await page.goto(`${base}/vivo`);
    await page.fill('[name=nota]', 'hola');
    await page.waitForTimeout(1500);
    assert.equal(await page.inputValue('[name=nota]'), 'hola');
    await page.evaluate(() => document.activeElement.blur());
    await page.waitForFunction(() => document.querySelector('#envios').textContent.includes('Aceptado'), null, { timeout: 4000 });
    const seen = polls;
    await page.waitForTimeout(1500);
    assert.equal(polls, seen, 'it stops asking');
  },
  async 'Probar shows its phases as they happen, can be stopped, and leads to its verdict'(page) {
    await page.goto(`${base}/cuenta`);
    await page.click('text=Probar');
    await page.waitForSelector('text=Probando la cuenta');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Probando la cuenta');
    assert.ok(await page.isDisabled('form button'));
    await page.waitForSelector('[data-phase=dns][data-state=ok] + [data-phase=connect][data-state=now]');
    await page.click('text=Detener');
    await page.waitForSelector('text=Prueba detenida');
    await page.waitForSelector('[data-phase=connect][data-state=wait] >> text=detenida');
    // The server hears of it a moment after the page has said so.
    for (let tries = 0; aborted === 0 && tries < 100; tries += 1) await page.waitForTimeout(20);
    assert.equal(aborted, 1, 'the request is dropped');
    await page.click('form button:enabled >> text=Probar');
    await page.fill('#nota', 'mientras tanto');
    await page.waitForSelector('text=Configuración errónea');
    assert.equal(await page.inputValue('#nota'), 'mientras tanto');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'nota', 'who types goes on typing');
    assert.equal(await page.locator('.ac-probe-side').count(), 1);
    await page.goto(`${base}/cuenta`);
    await page.press('#nota', 'Enter');
    await page.waitForSelector('text=Configuración errónea');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'diag');
  },
  async 'a check that breaks off says so and leaves the form as it was'(page) {
    await page.goto(`${base}/cuenta?como=cortada`);
    await page.fill('#nota', 'lo que escribí');
    await page.click('text=Probar');
    await page.waitForSelector('text=La prueba no terminó');
    assert.equal(await page.inputValue('#nota'), 'lo que escribí');
    assert.ok(await page.isEnabled('form button'));
  },
};

let failed = 0;
for (const [promise, keep] of Object.entries(promises)) {
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  page.setDefaultTimeout(5000);
  const complaints = [];
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(error.message));
  try {
    await keep(page);
    assert.deepEqual(complaints.filter((one) => !/INCOMPLETE_CHUNKED/.test(one)), []); // the broken answer was asked for
    console.log(`ok    ${promise}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${promise}\n${String(error.stack).replace(/^/gm, '      ')}`);
  }
  await page.close();
}
await browser.close();
server.close();
console.log(`script: ${Object.keys(promises).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
