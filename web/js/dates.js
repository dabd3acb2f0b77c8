// Days as people type them, read as the server reads them (domain/src/typed_date.rs), and the numbers of certificates. A field
// that is left shows what was understood, dd/mm/aaaa and 001-001-000000900, or says at once what Guardar would say.

const FIRST_YEAR = 1990;
/** A due date lies up to ten years after the last year of a payment. */
const YEARS_AHEAD = 11;
const LONGEST = 60;
const MONTHS = ['enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre', 'noviembre', 'diciembre'];
const WEEKDAYS = ['lunes', 'martes', 'miercoles', 'jueves', 'viernes', 'sabado', 'domingo'];
const FROM_TODAY = { hoy: 0, ayer: -1, anteayer: -2, antier: -2, 'antes de ayer': -2, manana: 1 };
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const GUAYAQUIL_WEST = 5 * 3_600_000;

/** The day on a wall in Ecuador, as UTC holds it. */
export const today = (now = Date.now()) => {
  const local = new Date(now - GUAYAQUIL_WEST);
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate());
};

/** A day: `{ day }`, in UTC, or `{ words }` where it is none. With `past`, one that has not come is none. */
export function read(typed, now = today(), past = false) {
  const year = new Date(now).getUTCFullYear();
  const found = parse(folded(typed), now, past ? year : year + YEARS_AHEAD);
  if (past && found.day > now) return { words: `La fecha ${shown(found.day)} está en el futuro; hoy es ${shown(now)}` };
  return found;
}

/** `29/11/2026` */
export function shown(day) {
  const date = new Date(day);
  return [two(date.getUTCDate()), two(date.getUTCMonth() + 1), date.getUTCFullYear()].join('/');
}

/** `1-1-900` → `001-001-000000900`; null where it is no document's number. */
export function documentNumber(typed) {
  const text = typed.normalize('NFKC').replace(UNSEEN, '').trim().replace(/[‐-―−]/g, '-');
  const whole = /^(\d{3})(\d{3})(\d{9})$/.exec(text)?.slice(1);
  const parts = whole ?? text.split(text.includes('-') ? /\s*-\s*/ : /[ ./]/);
  const widths = [3, 3, 9];
  const fits = parts.length === 3 && parts.every((part, at) => /^\d+$/.test(part) && part.length <= widths[at] && !/^0+$/.test(part));
  return fits ? parts.map((part, at) => part.padStart(widths[at], '0')).join('-') : null;
}

const two = (number) => String(number).padStart(2, '0');
const folded = (typed) =>
  typed.replace(UNSEEN, '').normalize('NFKD').replace(/[\u0300-\u036f]/g, '').replace(/[‐-―−]/g, '-').replaceAll('\\', '/').replace(/\s+/g, ' ').trim().toLowerCase();
const isShortFor = (word, whole) => word.length >= 3 && whole.startsWith(word);
const NO_DATE = { words: 'Escriba la fecha como 29/11/2026' };

function parse(text, now, lastYear) {
  if (text.length > LONGEST) return NO_DATE;
  if (text in FROM_TODAY) return { day: now + FROM_TODAY[text] * 86_400_000 };
  const parts = partsOf(text);
  const of = (day, month, year) => written(day, month, year, now, lastYear);
  if (parts?.length === 1) return compact(parts[0], of);
  if (parts?.length === 2) return of(...parts);
  if (parts?.length === 3) return parts[0].length === 4 ? of(parts[2], parts[1], parts[0]) : of(...parts);
  return NO_DATE;
}

/** Its numbers and names, less the weekday, the «de» between them, and an hour behind it; null where a separator is a slip. */
function partsOf(text) {
  const isHour = (word) => word.includes(':') && /^[\d:.z+-]+$/.test(word);
  const at = text.indexOf('t');
  const day = at >= 0 && isHour(text.slice(at + 1)) ? text.slice(0, at) : text;
  if (/^[-/.,]/.test(day) || /\/\/|--|\.\./.test(day)) return null;
  const parts = [];
  for (const word of day.split(/[ /\-.,]/).filter(Boolean)) {
    const isName = word === 'de' || word === 'del' || (parts.length === 0 && WEEKDAYS.some((name) => isShortFor(word, name)));
    const isTime = parts.length === 3 && (isHour(word) || ['am', 'pm', 'a', 'p', 'm'].includes(word));
    if (!isName && !isTime) parts.push(word);
  }
  return parts;
}

function compact(digits, of) {
  if (!/^\d+$/.test(digits)) return NO_DATE;
  const cut = (...ends) => ends.map((end, at) => digits.slice(at === 0 ? 0 : ends[at - 1], end));
  if (digits.length === 4) return of(...cut(2, 4));
  if (digits.length === 6) return of(...cut(2, 4, 6));
  if (digits.length !== 8) return NO_DATE;
  const [first, other] = [of(...cut(2, 4, 8)), of(digits.slice(6), digits.slice(4, 6), digits.slice(0, 4))];
  return 'day' in first || !('day' in other) ? first : other;
}

function written(dayText, monthText, yearText, now, lastYear) {
  const number = (text) => (/^\d{1,2}$/.test(text) ? Number(text) : null);
  const name = monthText === 'setiembre' || monthText === 'set' ? 'septiembre' : monthText;
  const named = MONTHS.findIndex((month) => isShortFor(name, month)) + 1;
  const [day, month] = [number(dayText), named || number(monthText)];
  const year = yearOf(yearText, now);
  if (day === null || month === null || year === null) return NO_DATE;
  const text = `${two(day)}/${two(month)}/${String(year).padStart(4, '0')}`;
  if (month > 12 && day >= 1 && day <= 12 && month <= 31) return { words: `${text} no existe: primero va el día y después el mes` };
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return { words: `${text} no existe` };
  if (year < FIRST_YEAR || year > lastYear) return { words: `${year} no puede ser el año: va de ${FIRST_YEAR} a ${lastYear}` };
  return { day: date.getTime() };
}

function yearOf(text, now) {
  if (text === undefined) return new Date(now).getUTCFullYear();
  if (/^\d{4}$/.test(text)) return Number(text);
  if (!/^\d{2}$/.test(text)) return null;
  return Number(text) + (Number(text) >= FIRST_YEAR % 100 ? 1900 : 2000);
}
