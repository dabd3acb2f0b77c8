// Nuevo cobro, Nuevo pago: totals that follow what is typed, and documents that fill with their balance.
//
// Markup, in a form with `data-sums`:
//   a row of «Formas»      <tr> with <select name="forma"> (option values: contract.md's methods, «check:certified») and <input name="valor">
//   a row of «Documentos»  <tr> with <input type="checkbox" name="doc" data-balance="640,00"> and <input name="abono">
//   where a total stands   <dd data-sum="aplicado | anticipo | total | retenido | dinero | efectivo">
//   a total that is only worth its place while it is something    <div hidden><dd data-sum="retenido" data-hide-zero>
//   a warning about cash   <div data-cash-over="500,00" hidden>
// Without script the server computes the same when the form comes back.
import { cents, written } from './amounts.js';

/** What moves now (contract.md, `money`): the rest of the methods only settle. */
const MONEY = ['cash', 'check', 'transfer', 'deposit', 'card'];

document.addEventListener('input', ({ target }) => {
  if (target.name === 'abono') tickItsDocument(target);
  if (target.name === 'abono' || target.name === 'valor') showTotals(target.form);
});

document.addEventListener('change', ({ target }) => {
  if (target.matches?.('input[name="doc"][data-balance]')) fillOrClear(target);
  if (target.matches?.('.ac-money-in')) tidy(target);
  if (target.form?.matches('[data-sums]')) showTotals(target.form);
});

function tickItsDocument(abono) {
  const document_ = abono.closest('tr')?.querySelector('input[name="doc"]');
  if (document_) document_.checked = abono.value.trim() !== '';
}

function fillOrClear(document_) {
  const abono = document_.closest('tr').querySelector('input[name="abono"]');
  abono.value = document_.checked ? document_.dataset.balance : '';
}

function tidy(amount) {
  const value = cents(amount.value);
  if (amount.value.trim() !== '' && value !== null) amount.value = written(value);
}

export function showTotals(form) {
  if (!form?.matches('[data-sums]')) return;
  const lines = [...form.querySelectorAll('input[name="valor"]')].map((valor) => ({
    method: valor.closest('tr')?.querySelector('select[name="forma"]')?.value.split(':')[0],
    amount: cents(valor.value) ?? 0,
  }));
  const sum = (some) => some.reduce((total, { amount }) => total + amount, 0);
  const total = sum(lines);
  const applied = [...form.querySelectorAll('input[name="abono"]')].reduce((all, { value }) => all + (cents(value) ?? 0), 0);
  const figures = {
    aplicado: applied,
    anticipo: total - applied,
    total,
    retenido: sum(lines.filter(({ method }) => method === 'withholding')),
    dinero: sum(lines.filter(({ method }) => MONEY.includes(method))),
    efectivo: sum(lines.filter(({ method }) => method === 'cash')),
  };
  for (const place of form.querySelectorAll('[data-sum]')) {
    place.textContent = written(figures[place.dataset.sum]);
    if (place.matches('[data-hide-zero]')) place.parentElement.hidden = figures[place.dataset.sum] === 0;
  }
  for (const warning of form.querySelectorAll('[data-cash-over]')) warning.hidden = figures.efectivo <= cents(warning.dataset.cashOver);
}
