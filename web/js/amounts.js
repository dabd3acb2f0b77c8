// Amounts as a person types them in es-EC, counted in whole cents; the same reading as the server's Money::parse_local.

/** «1.234,56», «1,234.56», «1234,5», «USD 35», «1 234» → cents; null when it is no amount, or may be two. An empty field is nothing: 0. */
export function cents(typed) {
  const text = bare(typed);
  if (text.trim() === '') return 0;
  return read(text).amount;
}

/** Of «1,500» both readings, as texts: [«1.500,00», «1,50»]; of anything else none. */
export const readings = (typed) => read(bare(typed)).readings;

const GROUP = 3;
const UNSEEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const NOTHING = { amount: null, readings: [] };

/** Without its currency, the room around it and what is not seen; a minus in front stays. */
function bare(typed) {
  let rest = typed.replace(UNSEEN, '').replace(/\s/g, ' ').trim();
  let [negative, currency] = [false, false];
  for (;;) {
    rest = rest.trim();
    if (!negative && /^[-−]/.test(rest)) [negative, rest] = [true, rest.slice(1)];
    else if (!currency && /^(US\$|USD|\$)/i.test(rest)) [currency, rest] = [true, rest.replace(/^(US\$|USD|\$)/i, '')];
    else if (!currency && /(US\$|USD|\$)$/i.test(rest)) [currency, rest] = [true, rest.replace(/(US\$|USD|\$)$/i, '')];
    else return (negative ? '-' : '') + (rest === '' && (negative || currency) ? 'x' : rest);
  }
}

function read(text) {
  const negative = text.startsWith('-');
  const number = (negative ? text.slice(1) : text).replace(/(?<=.)\.$/, ''); // the full stop of a sentence
  const last = Math.max(number.lastIndexOf('.'), number.lastIndexOf(','));
  if (last < 0) return of(ungroup(number, " '’"), '', negative);
  const separator = number[last];
  const [whole, decimals] = [number.slice(0, last), number.slice(last + 1)];
  if (whole.includes(separator)) return of(ungroup(number, separator), '', negative);
  if (decimals.length === GROUP && isFirstGroup(whole)) {
    const thousands = of(whole + decimals, '', negative);
    if (separator === '.' || thousands.amount === null) return thousands;
    const two = decimals.endsWith('0') ? [of(whole, decimals.slice(0, 2), negative)] : [];
    return { amount: null, readings: [thousands, ...two].map(({ amount }) => written(amount)) };
  }
  return of(ungroup(whole, ` '’${separator === '.' ? ',' : '.'}`), decimals, negative);
}

function of(whole, decimals, negative) {
  if (whole === null || !/^\d*$/.test(whole) || !/^\d{0,2}$/.test(decimals) || whole + decimals === '' || whole.replace(/^0+/, '').length > 9) return NOTHING;
  const value = Number(`${whole || '0'}${decimals.padEnd(2, '0')}`);
  return { amount: negative ? -value : value, readings: [] };
}

const isFirstGroup = (digits) => /^[1-9]\d{0,2}$/.test(digits);

/** Takes the one kind of separator out; null if a group has not three digits. */
function ungroup(whole, separators) {
  const separator = [...whole].find((letter) => separators.includes(letter));
  if (!separator) return whole;
  const [first, ...groups] = whole.split(separator);
  return isFirstGroup(first) && groups.every((group) => group.length === GROUP) ? whole.replaceAll(separator, '') : null;
}

/** 123456 → «1.234,56»; negative with «−». */
export function written(amount) {
  const digits = String(Math.abs(amount)).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.');
  return `${amount < 0 ? '−' : ''}${whole},${digits.slice(-2)}`;
}
