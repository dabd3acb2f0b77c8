// The fonts that the receipt's PDF embeds, cut with HarfBuzz: a Latin subset of Source Sans 3, and the drawings of Noto Emoji
// for what people type into names and descriptions. The OFL reserves the name «Source», so a changed copy carries another:
// «Acuse Sans».
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a receipt in Spanish, or a name from elsewhere in the Latin script, can contain. */
const KEEP =
  '0020-007E 00A0-017F 0192 0218-021B 0237 02C6-02C7 02D8-02DD 0300-0304 0306-030C 0323 0326-0328 ' +
  '1E9E 2010-2015 2018-201E 2020-2022 2026 2030 2032-2033 2039-203A 2044 20AC 2116 2122 2212 2248 2260 2264-2265';
/** Signs and drawings that phones and Office put into texts, less the tones of skin and the letters of flags, which mean
 * nothing alone. */
const DRAWN = '203C 2049 2122 2139 2194-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25FE 2600-27BF 2934-2935 ' +
  '2B05-2B55 3030 303D 3297 3299 1F004 1F0CF 1F170-1F251 1F300-1F3FA 1F400-1F64F 1F680-1F6FF 1F7E0-1F7F0 1F900-1F9FF 1FA70-1FAFF';
const FEATURES = ['kern', 'mark', 'mkmk', 'ccmp', 'locl', 'tnum', 'case'];
/** Copyright, version, licence and its address stay as Adobe wrote them. */
const KEPT_NAMES = [0, 5, 13, 14];
const WINDOWS = { platform: 3, encoding: 1, language: 0x409 };
/** hb-subset.h: HB_SUBSET_FLAGS_NO_HINTING | HB_SUBSET_FLAGS_NOTDEF_OUTLINE */
const NO_HINTING_WITH_NOTDEF = 0x01 | 0x40;
/** hb-subset.h: HB_SUBSET_SETS_NAME_ID, HB_SUBSET_SETS_LAYOUT_FEATURE_TAG */
const NAME_IDS = 4;
const LAYOUT_FEATURES = 6;
const HB_MEMORY_MODE_READONLY = 1;
/** OpenType, head: the whole file's checksum is this minus the sum. */
const CHECKSUM_MAGIC = 0xb1b0afba;

export function makeReceiptFonts(target) {
  for (const style of ['Regular', 'Semibold']) {
    const source = readFileSync(new URL(`../node_modules/source-sans/TTF/SourceSans3-${style}.ttf`, import.meta.url));
    writeFileSync(`${target}/AcuseSans-${style}.ttf`, rename(subset(source, KEEP, FEATURES), style));
  }
  const emoji = readFileSync(new URL('../node_modules/@expo-google-fonts/noto-emoji/400Regular/NotoEmoji_400Regular.ttf', import.meta.url));
  writeFileSync(`${target}/NotoEmoji-Regular.ttf`, subset(emoji, DRAWN, []));
}

function subset(source, keep, layout) {
  const wasm = readFileSync(fileURLToPath(new URL('../node_modules/harfbuzzjs/dist/harfbuzz-subset.wasm', import.meta.url)));
  const hb = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;
  hb._initialize();
  const memory = () => new Uint8Array(hb.memory.buffer); // taken anew each time: growing detaches the old view
  const at = hb.malloc(source.length);
  memory().set(source, at);
  const face = hb.hb_face_create(hb.hb_blob_create(at, source.length, HB_MEMORY_MODE_READONLY, 0, 0), 0);
  const input = hb.hb_subset_input_create_or_fail();
  hb.hb_subset_input_set_flags(input, NO_HINTING_WITH_NOTDEF);
  const features = hb.hb_subset_input_set(input, LAYOUT_FEATURES);
  hb.hb_set_clear(features);
  for (const feature of layout) hb.hb_set_add(features, tagNumber(feature));
  const names = hb.hb_subset_input_set(input, NAME_IDS);
  for (const id of KEPT_NAMES) hb.hb_set_add(names, id);
  const unicodes = hb.hb_subset_input_unicode_set(input);
  for (const point of codepoints(keep)) hb.hb_set_add(unicodes, point);
  const cut = hb.hb_subset_or_fail(face, input);
  if (cut === 0) throw new Error('HarfBuzz could not cut the font');
  const blob = hb.hb_face_reference_blob(cut);
  const start = hb.hb_blob_get_data(blob, 0);
  return Buffer.from(memory().slice(start, start + hb.hb_blob_get_length(blob)));
}

function* codepoints(spec) {
  for (const part of spec.split(' ')) {
    const [first, last = first] = part.split('-').map((hex) => Number.parseInt(hex, 16));
    for (let point = first; point <= last; point += 1) yield point;
  }
}

const tagNumber = (tag) => Buffer.from(tag, 'latin1').readUInt32BE();

function rename(font, style) {
  const tables = readTables(font);
  const names = readNames(tables.get('name')).filter(({ id }) => KEPT_NAMES.includes(id));
  const family = style === 'Regular' ? 'Acuse Sans' : `Acuse Sans ${style}`;
  const ours = { 1: family, 2: 'Regular', 3: `3.052;AcuseSans-${style}`, 4: `Acuse Sans ${style}`, 6: `AcuseSans-${style}`, 16: 'Acuse Sans', 17: style };
  for (const [id, text] of Object.entries(ours)) names.push({ id: Number(id), text });
  tables.set('name', writeNames(names.sort((a, b) => a.id - b.id)));
  const head = Buffer.from(tables.get('head'));
  head.copy(head, 28, 20, 28); // modified = created: same input, same bytes
  head.writeUInt32BE(0, 8);
  tables.set('head', head);
  tables.delete('DSIG'); // Adobe's signature does not cover our copy
  return writeTables(font.readUInt32BE(0), tables);
}

function readTables(font) {
  const tables = new Map();
  for (let i = 0; i < font.readUInt16BE(4); i += 1) {
    const entry = 12 + 16 * i;
    const offset = font.readUInt32BE(entry + 8);
    tables.set(font.toString('latin1', entry, entry + 4), font.subarray(offset, offset + font.readUInt32BE(entry + 12)));
  }
  return tables;
}

/** OpenType, name: version 0, Windows Unicode records in US English only. */
function readNames(table) {
  const storage = table.readUInt16BE(4);
  const names = [];
  for (let i = 0; i < table.readUInt16BE(2); i += 1) {
    const [platform, encoding, language, id, length, offset] = [0, 2, 4, 6, 8, 10].map((n) => table.readUInt16BE(6 + 12 * i + n));
    if (platform !== WINDOWS.platform || encoding !== WINDOWS.encoding || language !== WINDOWS.language) continue;
    const text = Buffer.from(table.subarray(storage + offset, storage + offset + length)).swap16().toString('utf16le');
    names.push({ id, text });
  }
  return names;
}

function writeNames(names) {
  const head = Buffer.alloc(6 + 12 * names.length);
  head.writeUInt16BE(names.length, 2);
  head.writeUInt16BE(head.length, 4);
  const texts = names.map(({ text }) => Buffer.from(text, 'utf16le').swap16());
  let offset = 0;
  names.forEach(({ id }, i) => {
    [WINDOWS.platform, WINDOWS.encoding, WINDOWS.language, id, texts[i].length, offset].forEach((value, n) => head.writeUInt16BE(value, 6 + 12 * i + 2 * n));
    offset += texts[i].length;
  });
  return Buffer.concat([head, ...texts]);
}

function writeTables(version, tables) {
  const tags = [...tables.keys()].sort();
  const power = 2 ** Math.floor(Math.log2(tags.length));
  const directory = Buffer.alloc(12 + 16 * tags.length);
  directory.writeUInt32BE(version, 0);
  [tags.length, power * 16, Math.log2(power), (tags.length - power) * 16].forEach((value, i) => directory.writeUInt16BE(value, 4 + 2 * i));
  const bodies = [];
  let offset = directory.length;
  tags.forEach((tag, i) => {
    const body = tables.get(tag);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    directory.write(tag, 12 + 16 * i, 'latin1');
    [checksum(padded), offset, body.length].forEach((value, n) => directory.writeUInt32BE(value, 16 + 16 * i + 4 * n));
    bodies.push(padded);
    offset += padded.length;
  });
  const font = Buffer.concat([directory, ...bodies]);
  const headAt = directory.readUInt32BE(12 + 16 * tags.indexOf('head') + 8);
  font.writeUInt32BE((CHECKSUM_MAGIC - checksum(font)) >>> 0, headAt + 8);
  return font;
}

function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4) sum = (sum + bytes.readUInt32BE(i)) >>> 0;
  return sum;
}
