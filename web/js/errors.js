// An error under a field goes when the field is right, and comes back with what was refused. What is right for certain only the
// server knows; here a field is right when it holds something else than what was refused, and reads as what its kind asks for.
import { cents } from './amounts.js';
import { isDay, wrongWithDay } from './typed.js';

const refused = new WeakMap();

const LOOKS_RIGHT = [
  ['.ac-money-in', (typed) => (cents(typed) ?? 0) > 0],
  ['[type="email"], [inputmode="email"]', (typed) => addresses(typed).every((one) => /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(one))],
];

/** «Ana <a@x.ec>, b@x.ec»: a name before an address in brackets is none. */
const addresses = (typed) => typed.replace(/[^;,\n<]*<([^<>]*)>/g, ' $1 ').split(/[;,\s]+/).filter(Boolean);

const isRight = (field) => {
  const typed = field.value.trim();
  return typed !== '' && typed !== refused.get(field) && (!isDay(field) || wrongWithDay(field) === null) && LOOKS_RIGHT.every(([kind, looks]) => !field.matches(kind) || looks(typed));
};

/** Remembers what each field was refused with. */
function remember() {
  for (const field of document.querySelectorAll('main .is-invalid')) if (!refused.has(field)) refused.set(field, field.value.trim());
}

function look({ target: field }) {
  if (!refused.has(field)) return;
  const right = isRight(field);
  field.classList.toggle('is-invalid', !right);
  if (right) field.removeAttribute('aria-invalid');
  else field.setAttribute('aria-invalid', 'true');
  const words = document.getElementById(`${field.id}-error`);
  if (words) words.hidden = right;
  const item = [...document.querySelectorAll('.ac-errors li')].find((one) => one.querySelector(`a[href="#${CSS.escape(field.id)}"]`));
  if (item) item.hidden = right;
  const summary = document.querySelector('.ac-errors:has(li)');
  if (summary) summary.hidden = [...summary.querySelectorAll('li')].every((one) => one.hidden);
}

document.addEventListener('input', look);
document.addEventListener('change', look);
document.addEventListener('htmx:after:swap', remember);
remember();
