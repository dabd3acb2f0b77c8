// npm run build: makes dist/ from what npm brought and what stands in css/, js/ and fonts/. Same input, same bytes.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { makeStylesheet } from './css.mjs';
import { makeReceiptFonts } from './fonts.mjs';
import { makeIcons } from './icons.mjs';
import { makeScript } from './js.mjs';

const web = fileURLToPath(new URL('..', import.meta.url));
const dist = `${web}dist`;
const modules = `${web}node_modules`;
const HANKEN = `${modules}/@fontsource-variable/hanken-grotesk`;

mkdirSync(`${dist}/fonts`, { recursive: true });
makeReceiptFonts(`${dist}/fonts`);
copyFileSync(`${web}fonts/OFL.txt`, `${dist}/fonts/OFL.txt`);
copyFileSync(`${modules}/@expo-google-fonts/noto-emoji/LICENSE_FONT`, `${dist}/fonts/OFL-NotoEmoji.txt`);
for (const script of ['latin', 'latin-ext']) {
  copyFileSync(`${HANKEN}/files/hanken-grotesk-${script}-wght-normal.woff2`, `${dist}/fonts/hanken-grotesk-${script}.woff2`);
}
copyFileSync(`${web}marca.svg`, `${dist}/marca.svg`);
makeIcons(dist);
await makeStylesheet(dist);
await makeScript(dist);
writeFileSync(`${dist}/licenses.txt`, licenses());
for (const name of ['acuse.css', 'acuse.js', 'icons.svg']) {
  const plain = readFileSync(`${dist}/${name}`);
  writeFileSync(`${dist}/${name}.br`, brotliCompressSync(plain));
  writeFileSync(`${dist}/${name}.gz`, gzipSync(plain, { level: 9 }));
}

/** The terms of the parts that travel inside our files. Tabler's kit carries no file of its own: it is MIT, by the makers of its icons. */
function licenses() {
  return [
    ['Tabler and Tabler Icons', `${modules}/@tabler/icons/LICENSE`],
    ['htmx', `${modules}/htmx.org/LICENSE`],
    ['Hanken Grotesk', `${HANKEN}/LICENSE`],
    ['Noto Emoji', `${modules}/@expo-google-fonts/noto-emoji/LICENSE_FONT`],
  ].map(([name, file]) => `${name}\n\n${readFileSync(file, 'utf8').trim()}\n`).join('\n\n');
}
