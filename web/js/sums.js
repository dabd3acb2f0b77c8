// Nuevo cobro, Nuevo pago: totals that follow what is typed, and documents that fill with their balance.
//
// Markup, in a form with `data-sums`:
//   a row of «Formas»      <tr> with <select name="forma"> (option values: contract.md's methods, «check:certified») and <input name="valor">
//   a row of «Documentos»  <tr> with <input type="checkbox" name="doc" data-balance="640,00"> and <input name="abono">
//                          <input name="propuesto" type="hidden">: what the form itself put there
//   a base                 <input data-base> in a row whose <input name="cuenta"> names a tax: its percentage is proposed
//   where a total stands   <dd data-sum="aplicado | anticipo | falta | total | retenido | dinero | efectivo">
//   a total that is only worth its place while it is something    <div hidden><dd data-sum="retenido" data-hide-zero>
//   a warning about cash   <div data-cash-over="500,00" hidden>
// What is proposed never goes into a field that has the focus, nor over what somebody typed. A withholding's value follows its
// base; the one form without a value takes what the documents still need.
// Without script the server computes the same when the form comes back.
import { cents, written } from './amounts.js';
import { percentage } from './percentages.js';

/** What moves now (contract.md, `money`): the rest of the methods only settle. */
const MONEY = ['cash', 'check', 'transfer', 'deposit', 'card'];

document.addEventListener('input', ({ target }) => {
  if (target.name === 'abono') tickItsDocument(target);
  if (target.matches?.('[data-base], [name="cuenta"], [name="abono"], [name="valor"]')) showTotals(target.form);
});

document.addEventListener('change', ({ target }) => {
  if (target.matches?.('input[name="doc"][data-balance]')) fillOrClear(target);
  if (target.form?.matches('[data-sums]')) showTotals(target.form);
});

// What was proposed and is left as it is may follow again once nobody is in its field.
document.addEventListener('focusout', ({ target }) => {
  if (target.name === 'valor') setTimeout(() => target.isConnected && showTotals(target.form));
});

function tickItsDocument(abono) {
  const document_ = abono.closest('tr')?.querySelector('input[name="doc"]');
  if (document_) document_.checked = abono.value.trim() !== '';
}

function fillOrClear(document_) {
  const abono = document_.closest('tr').querySelector('input[name="abono"]');
  abono.value = document_.checked ? document_.dataset.balance : '';
}

const rowsOf = (form) => [...form.querySelectorAll('input[name="valor"]')].map((valor) => {
  const row = valor.closest('tr');
  const field = (name) => row?.querySelector(`[name="${name}"]`);
  return {
    valor,
    proposed: field('propuesto'),
    method: field('forma')?.value.split(':')[0],
    tax: field('cuenta')?.value ?? '',
    base: row?.querySelector('[data-base]')?.value ?? '',
    isBlank: ['cuenta', 'numero', 'fecha_forma', 'valor', 'anticipo'].every((name) => !field(name)?.value.trim()),
  };
});

const isEmpty = ({ valor }) => valor.value.trim() === '';
const isProposed = (row) => !isEmpty(row) && row.valor.value === row.proposed?.value;

function propose(row, amount) {
  if (!row.proposed || row.valor === document.activeElement) return;
  const text = amount > 0 ? written(amount) : '';
  row.proposed.value = text;
  if (row.valor.value !== text) row.valor.value = text;
}

/** What is offered as a tax. */
const usualTaxes = () => [...document.querySelectorAll('#impuestos option')].map(({ value }) => value);

function proposeWithheld(row) {
  if (!isEmpty(row) && !isProposed(row)) return;
  const [base, hundredths] = [cents(row.base), percentage(row.tax, usualTaxes())];
  propose(row, base > 0 && hundredths ? Math.floor((base * hundredths + 5_000) / 10_000) : 0);
}

function proposeRest(rows, applied) {
  const takers = rows.filter(({ method }) => !['withholding', 'advance', undefined].includes(method));
  const proposed = takers.filter(isProposed);
  // A row that nobody touched beside others is no form of payment yet (draft.rs says the same).
  const empty = takers.filter((row) => isEmpty(row) && (rows.length === 1 || !row.isBlank));
  const [taker, another] = proposed.length > 0 ? proposed : empty;
  if (!taker || another) return;
  const others = rows.filter((row) => row !== taker).reduce((all, { valor }) => all + (cents(valor.value) ?? 0), 0);
  propose(taker, applied - others);
}

export function showTotals(form) {
  if (!form?.matches('[data-sums]')) return;
  const applied = [...form.querySelectorAll('input[name="abono"]')].reduce((all, { value }) => all + (cents(value) ?? 0), 0);
  const rows = rowsOf(form);
  rows.filter(({ method }) => method === 'withholding').forEach(proposeWithheld);
  proposeRest(rows, applied);
  const lines = rows.map(({ method, valor }) => ({ method, amount: cents(valor.value) ?? 0 }));
  const sum = (some) => some.reduce((total, { amount }) => total + amount, 0);
  const total = sum(lines);
  const figures = {
    aplicado: applied,
    anticipo: Math.max(total - applied, 0),
    falta: Math.max(applied - total, 0),
    total,
    retenido: sum(lines.filter(({ method }) => method === 'withholding')),
    dinero: sum(lines.filter(({ method }) => MONEY.includes(method))),
    efectivo: sum(lines.filter(({ method }) => method === 'cash')),
  };
  for (const place of form.querySelectorAll('[data-sum]')) {
    place.textContent = written(figures[place.dataset.sum]);
    if (place.matches('[data-hide-zero]')) place.parentElement.hidden = figures[place.dataset.sum] === 0;
    else if (place.dataset.sum === 'anticipo') place.parentElement.hidden = figures.falta > 0;
  }
  for (const warning of form.querySelectorAll('[data-cash-over]')) warning.hidden = figures.efectivo <= cents(warning.dataset.cashOver);
}
