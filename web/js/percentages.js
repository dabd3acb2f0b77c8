// The percentage that a withholding names, read as the server reads it (domain/src/payment/withholding.rs).

/** «IR 1,75 % · bienes» → 175 hundredths. Without its sign, «fuente 1,75», where one of the `usual` taxes has it; else null. */
export function percentage(tax, usual = []) {
  const text = tax.normalize('NFKC').toLowerCase().replace(/por ?ciento/, '%');
  if (!text.includes('%')) return usualPercentage(text, usual);
  return hundredths(/[\d.,]*$/.exec(text.slice(0, text.indexOf('%')).trimEnd())[0]);
}

function usualPercentage(text, usual) {
  const numbers = (text.match(/[\d.,]+/g) ?? []).map((one) => one.replace(/^[.,]+|[.,]+$/g, '')).filter(Boolean);
  if (numbers.length !== 1) return null;
  const names = (kind) => text.split(/\P{L}/u).includes(kind);
  const kind = names('iva') ? 'IVA' : ['ir', 'renta', 'fuente'].some(names) ? 'IR' : '';
  const meant = hundredths(numbers[0]);
  return usual.some((tax) => tax.startsWith(kind) && percentage(tax) === meant) ? meant : null;
}

function hundredths(digits) {
  const [, whole, decimals = ''] = /^(\d{1,3})(?:[.,](\d{0,2}?)0*)?$/.exec(digits) ?? [];
  const value = whole === undefined ? 0 : Number(whole + decimals.padEnd(2, '0'));
  return value > 0 && value <= 10_000 ? value : null;
}
