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
  mt-0 mt-1 mt-2 mt-3 mb-0 mb-1 mb-2 mb-3`.split(/\s+/);

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
