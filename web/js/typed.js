// Fields of days and of certificates, once they are left: written as they were understood, or with what is wrong with them.
import { documentNumber, read, shown } from './dates.js';

const DAY = '#fecha, #emision, #vence, .ac-date, input[name="fecha_forma"]:not([type="hidden"], [data-base])';
/** Only these are of what has happened already. */
const PAST = '#fecha, #emision';

document.addEventListener('change', ({ target }) => {
  if (target.matches?.(DAY)) leaveDay(target);
  else if (target.name === 'numero' && isCertificate(target)) target.value = documentNumber(target.value) ?? target.value;
});

const isCertificate = (field) => field.closest('tr')?.querySelector('[name="forma"]')?.value === 'withholding';

/** What is wrong with a typed day, for whoever judges the field; null where nothing is. */
export const wrongWithDay = (field) => read(field.value, undefined, field.matches(PAST)).words ?? null;
export const isDay = (field) => field.matches(DAY);

function leaveDay(field) {
  const own = `${field.id || field.name}-dia`;
  document.getElementById(own)?.remove();
  if (field.value.trim() === '') return field.classList.remove('is-invalid');
  const wrong = wrongWithDay(field);
  field.classList.toggle('is-invalid', wrong !== null);
  const said = field.id && document.getElementById(`${field.id}-error`);
  if (said) said.hidden = true;
  if (wrong === null) {
    field.removeAttribute('aria-invalid');
    field.value = shown(read(field.value).day);
    return;
  }
  field.setAttribute('aria-invalid', 'true');
  const words = Object.assign(document.createElement('span'), { id: own, className: 'invalid-feedback', textContent: `${wrong}.` });
  words.setAttribute('role', 'alert');
  (field.closest('.ac-inline, .ac-range') ?? field).after(words);
}
