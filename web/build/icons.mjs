// icons.svg: one sprite with the Tabler outline icons that icons.txt names.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('..', import.meta.url));
const FROM = `${web}node_modules/@tabler/icons/icons/outline`;

export function makeIcons(target) {
  const names = readFileSync(`${web}icons.txt`, 'utf8').split('\n').filter(Boolean);
  writeFileSync(`${target}/icons.svg`, `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join('')}</svg>\n`);
}

function symbol(name) {
  const path = `${FROM}/${name}.svg`;
  if (!existsSync(path)) throw new Error(`icons.txt: Tabler has no outline icon «${name}»`);
  const drawing = readFileSync(path, 'utf8').replace(/^[\s\S]*?<svg[^>]*>/, '').replace(/<\/svg>\s*$/, '').replace(/\s*\n\s*/g, '');
  return `<symbol id="${name}" viewBox="0 0 24 24">${drawing}</symbol>`;
}
