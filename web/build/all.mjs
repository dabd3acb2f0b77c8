// npm run build: makes dist/ from what npm brought and what stands in css/, js/ and fonts/. Same input, same bytes.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeReceiptFonts } from './fonts.mjs';

const web = fileURLToPath(new URL('..', import.meta.url));
const dist = `${web}dist`;
mkdirSync(`${dist}/fonts`, { recursive: true });
makeReceiptFonts(`${dist}/fonts`);
copyFileSync(`${web}fonts/OFL.txt`, `${dist}/fonts/OFL.txt`);
