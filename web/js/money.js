// Fields of amounts (inputmode="decimal"), on every form.
//
// Whoever enters one, by a click, by Tab or by script, finds it selected: what is typed takes the place of what stands there.
// A second click sets the caret, as in any field; a part that was marked by dragging stays marked.
// «1,500» is asked about where it stands; the buttons that the server makes for it answer without it, too.
import { cents, readings, written } from './amounts.js';

const AMOUNT = 'input:is([inputmode="decimal"], .ac-money-in)';
/** The field whose focus came with a press that is not over yet: letting go would take the selection away. */
let entered = null;

document.addEventListener('pointerdown', ({ target }) => {
  entered = target.matches?.(AMOUNT) && target !== document.activeElement ? target : null;
});

document.addEventListener('focusin', ({ target }) => {
  if (target.matches?.(AMOUNT)) target.select();
});

document.addEventListener('click', ({ target }) => {
  if (target === entered && target.selectionStart === target.selectionEnd) target.select();
  entered = null;
  const choice = target.closest?.('button[name="elegido"][data-pick]');
  if (choice) pick(choice);
});

document.addEventListener('change', ({ target }) => {
  if (target.matches?.(AMOUNT)) tidy(target);
});

/** Of these a payment is made; an abono may be negative, beside a nota de crédito. */
const POSITIVE = '[name="valor"], [data-base], [name="total"]';

/** Written as it will be saved, once it is left; or what is wrong with it, or the question which of two it is. */
function tidy(field) {
  if (document.getElementById(`${field.id}-cual`)) right(field);
  const asked = readings(field.value);
  if (asked.length > 0) return ask(field, asked);
  if (field.value.trim() === '') return;
  const value = cents(field.value);
  if (value === null) return say(field, 'No es un número.');
  if (value <= 0 && field.matches(POSITIVE)) return say(field, 'Debe ser mayor que cero.');
  if (field.value !== written(value)) field.value = written(value);
  if (field.getAttribute('aria-invalid') === 'true') right(field);
}

function ask(field, asked) {
  const words = [];
  const typed = field.value.trim();
  if (asked.length === 1 && !field.closest('td')) {
    // The same words as the server's (amounts.rs): a slip of the cents is not guessed.
    const [whole, decimals = ''] = typed.split(',');
    words.push(`No se entiende ${typed}. Escriba ${whole}${decimals}, o con dos decimales: ${whole},${decimals.slice(0, 2)}. `);
  }
  words.push('¿');
  asked.forEach((text, at) => {
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'btn-link-inline', name: 'elegido', textContent: text });
    button.dataset.pick = text;
    button.dataset.field = field.id;
    words.push(...(at > 0 ? [' o '] : []), button);
  });
  say(field, ...words, '?');
}

/** Under the field, in the place of what the server said of it. */
function say(field, ...words) {
  const said = Object.assign(document.createElement('span'), { className: 'invalid-feedback', id: `${field.id}-cual` });
  said.setAttribute('role', 'alert');
  const part = document.createElement('span');
  part.append(...words);
  said.append(part);
  field.classList.add('is-invalid');
  field.setAttribute('aria-invalid', 'true');
  document.getElementById(`${field.id}-error`)?.remove();
  (field.closest('.ac-inline') ?? field).after(said);
}

function pick(button) {
  const field = document.getElementById(button.dataset.field ?? button.value.split('=')[0]);
  if (!field) return;
  field.value = button.dataset.pick;
  right(field);
  field.focus();
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.dispatchEvent(new Event('change', { bubbles: true }));
}

/** Nothing is said any more of what was put right. */
function right(field) {
  field.classList.remove('is-invalid');
  field.removeAttribute('aria-invalid');
  for (const end of ['cual', 'error']) document.getElementById(`${field.id}-${end}`)?.remove();
}

// The server's button would send the form; here it answers in place.
document.addEventListener('submit', (event) => {
  if (event.submitter?.matches('button[name="elegido"][data-pick]')) event.preventDefault();
});
