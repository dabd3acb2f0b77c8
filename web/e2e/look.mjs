// npm run look -- --bin PATH [--pictures FOLDER] [--only PAGE]: every page at 1280 and 360 px, light and dark.
// Prints each finding: axe, what the browser complains about, sideways scroll, targets too small for a thumb. Exits 1 when there is one.
import { argument, axe, launch, list, login, openBrowser, screenshot, visitor } from './lib.mjs';

const WIDTHS = [[1280, 800], [360, 740]];
/** Where else nothing may scroll sideways. */
const OTHER_WIDTHS = [320, 640, 768, 900, 1024, 1366, 1920];
/** px, WCAG 2.5.5 and ui/README.md; half a pixel for fractional layout. */
const THUMB = 43.5;
/** How narrow a window has the phone's controls. */
const PHONE_BELOW = 1024;

const bin = argument('bin');
if (!bin) {
  console.error('npm run look -- --bin PATH   (the acuse binary)');
  process.exit(2);
}
const folder = argument('pictures');
const only = argument('only');
const demo = await launch(bin);
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
      for (const [name, path] of pages) await look(page, name, path, width, scheme);
      await page.context().close();
    }
  }
} finally {
  await browser.close();
  await demo.stop();
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
  return [
    ['inicio', '/'],
    ['cobros', '/cobros'],
    ['cobros-vacio', '/cobros?q=nadie-se-llama-as%C3%AD'],
    ['cobro-nuevo-persona', '/cobros/nuevo'],
    owing && ['cobro-nuevo', `/cobros/nuevo?persona=${owing}`],
    cobro && ['cobro', `/cobros/${cobro}`],
    cobro && ['cobro-reenviar', `/cobros/${cobro}/reenviar`],
    cobro && ['cobro-anular', `/cobros/${cobro}/anular`],
    voided && ['cobro-anulado', `/cobros/${voided}`],
    ['pagos', '/pagos'],
    owed && ['pago-nuevo', `/pagos/nuevo?persona=${owed}`],
    pago && ['pago', `/pagos/${pago}`],
    ['personas', '/personas'],
    owing && ['persona', `/personas/${owing}`],
    ['persona-nueva', '/personas/nueva'],
    ['documentos', '/documentos'],
    ['documento-nuevo', '/documentos/nuevo'],
    ['envios', '/envios'],
    ['correos', '/mi-compania/correos'],
    ['correo-nueva', '/mi-compania/correos/nueva'],
    ['buzon', '/demo/buzon'],
  ].filter(Boolean);
}

async function look(page, name, path, width, scheme) {
  const say = (words) => findings.push(`${name} ${width} ${scheme}: ${words}`);
  page.complaints.length = 0;
  const answer = await page.goto(path, { waitUntil: 'load' });
  looked += 1;
  if (!answer.ok()) return say(`${path} answers ${answer.status()}`);
  await page.evaluate(() => document.fonts.ready);
  for (const complaint of page.complaints) say(complaint);
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
