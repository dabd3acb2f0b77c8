// acuse.css: what the pages use of the kit, then our own layer.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { PurgeCSS } from 'purgecss';

const web = fileURLToPath(new URL('..', import.meta.url));
/** light-dark(), popover and :has() as the pages need them: Chrome 123, Firefox 128, Safari 17.5 (2024). */
const BROWSERS = ['chrome123', 'firefox128', 'safari17.5'];
/** The part of the kit that a page may use without asking: the scan of the templates adds whatever else they name. */
const VOCABULARY = `btn btn-primary btn-secondary btn-danger btn-sm btn-icon card card-header card-body card-footer
  form-control form-select form-label form-hint form-check-input is-invalid invalid-feedback
  mt-0 mt-1 mt-2 mt-3 mb-0 mb-1 mb-2 mb-3
  a abbr article aside b blockquote button caption code details dialog dd div dl dt em fieldset figcaption figure footer form h1 h2 h3 h4
  header hr iframe img input kbd label legend li main mark nav ol optgroup option output p pre progress q s section select small span
  strong sub sup summary svg table tbody td textarea tfoot th thead time tr u ul
  type text search email password number tel url date time file checkbox radio submit button reset role list hidden disabled checked
  readonly multiple size href class title open`.split(/\s+/);

export async function makeStylesheet(target) {
  const kit = readFileSync(`${web}node_modules/@tabler/core/dist/css/tabler.css`, 'utf8');
  const [used] = await new PurgeCSS().purge({
    content: [`${web}../crates/server/templates/**/*.html`, `${web}js/*.js`],
    css: [{ raw: kit }],
    safelist: { standard: VOCABULARY },
    keyframes: true,
    fontFace: true,
    variables: true,
  });
  const ours = readFileSync(`${web}css/acuse.css`, 'utf8');
  const { code } = await transform(`${used.css}\n${ours}`, { loader: 'css', minify: true, target: BROWSERS, legalComments: 'none' });
  writeFileSync(`${target}/acuse.css`, `/*! Acuse. Contains parts of Tabler (MIT), see licenses.txt */${code}`);
}
