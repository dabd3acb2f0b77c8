// Amounts as a person types them in es-EC, counted in whole cents; the same reading as the server's Money::parse_local.

/** «1.234,56», «1234,5», «1234», «1234.56» → cents; null when it is no amount. An empty field is nothing: 0. */
export function cents(typed) {
  const text = typed.trim().replace('−', '-').replace(/[\s$]/g, '');
  if (text === '') return 0;
  const [whole, decimals] = split(text);
  if (whole === null || !/^-?\d*$/.test(whole) || !/^\d{0,2}$/.test(decimals) || !/\d/.test(whole + decimals)) return null;
  const value = Number(`${whole.replace('-', '') || '0'}${decimals.padEnd(2, '0')}`);
  return whole.startsWith('-') ? -value : value;
}

function split(text) {
  if (text.includes(',')) {
    const [whole, ...rest] = text.split(',');
    return [ungroup(whole), rest.length === 1 ? rest[0] : 'x'];
  }
  const groups = text.split('.');
  if (groups.length === 1) return [text, ''];
  if (groups.length === 2 && groups[1].length !== 3) return groups;
  return [ungroup(text), ''];
}

function ungroup(whole) {
  return !whole.includes('.') || /^-?\d{1,3}(\.\d{3})+$/.test(whole) ? whole.replaceAll('.', '') : null;
}

/** 123456 → «1.234,56»; negative with «−». */
export function written(amount) {
  const digits = String(Math.abs(amount)).padStart(3, '0');
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.');
  return `${amount < 0 ? '−' : ''}${whole},${digits.slice(-2)}`;
}
