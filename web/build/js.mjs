// acuse.js: htmx and our own script in one file, small enough that a page needs no other.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const web = fileURLToPath(new URL('..', import.meta.url));

export async function makeScript(target) {
  const { outputFiles } = await build({
    entryPoints: [`${web}js/acuse.js`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome123', 'firefox128', 'safari17.5'],
    legalComments: 'none',
    banner: { js: '/*! Acuse. Contains htmx (0BSD), see licenses.txt */' },
    write: false,
  });
  writeFileSync(`${target}/acuse.js`, outputFiles[0].contents);
}
