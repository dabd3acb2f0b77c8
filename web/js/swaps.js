// What htmx's swaps need beside it: polls that do not disturb, and fields that keep what was typed meanwhile.
//
// Live part       <section id="envios" hx-get="{{ its page }}" hx-select="#envios" hx-swap="outerHTML" hx-trigger="every 200ms">
//                 each answer says after how long the next look follows; hx-select-oob names what else it brings
//                 the server leaves hx-trigger out when nothing more will happen, and with it the polling ends
// Form action     <button name="accion" value="forma" hx-post="{{ the form's action }}" hx-target="#contenido" hx-select="#contenido" hx-swap="outerHTML">
// Focus           goes to [autofocus] of what came in (errors, verdict, new row), with htmx and without script alike
import { leaveFor, sends } from './leave.js';
import { showTotals } from './sums.js';

const isPoll = (element) => element?.matches?.('[hx-trigger^="every"]');

document.addEventListener('htmx:before:request', (event) => {
  const { target } = event;
  if (isPoll(target) && isTypingIn(target)) return event.preventDefault();
  if (!target.form || isPoll(target)) return;
  asSent = contents(target.form);
  wasIn = document.activeElement;
});

/** A poll that replaced a field someone types in would take the words away. */
const isTypingIn = (part) =>
  (part.contains(document.activeElement) && document.activeElement.matches('input:not([type="checkbox"]), textarea, select')) || part.querySelector('details[open] form') !== null;

// The session ended. A form is sent as a whole, and the answer is the login that carries it; what only looks stops looking.
document.addEventListener('htmx:before:swap', (event) => {
  const answer = event.detail.ctx?.response?.raw;
  // Sent as a whole, the form of another company is answered by a page that leads there.
  const isOfAnother = answer?.headers.has('acuse-otra-compania');
  if (answer?.status !== 401 && !answer?.redirected && !isOfAnother) return;
  event.preventDefault();
  if (answer.redirected) return leaveFor(answer.url);
  const asked = event.detail.ctx.sourceElement ?? event.target;
  const form = asked.form ?? asked.closest('form');
  if (form?.method === 'post') sendWhole(form, asked.matches('button') ? asked : null);
  else if (isPoll(asked)) asked.removeAttribute('hx-trigger');
});

/** Sends a form as a browser without script would, with the button that was pressed. */
export function sendWhole(form, button) {
  if (button?.name) {
    const pressed = Object.assign(document.createElement('input'), { type: 'hidden', name: button.name, value: button.value });
    form.append(pressed);
  }
  sends();
  HTMLFormElement.prototype.submit.call(form);
}

// An answer knows its form as it was sent; what a person typed or chose since then stays.
let asSent = null;
let since = new Map();
let chosen = [];

document.addEventListener('htmx:before:swap', () => {
  since = changedSince(asSent ?? new Map());
  held = hold(asSent);
  asSent = null;
});

// Before anybody sees the new form. Its selects are not listened to until the swap is over.
document.addEventListener('htmx:before:settle', () => {
  chosen = giveBack(since);
  since = new Map();
  release(held);
});

document.addEventListener('htmx:after:swap', () => {
  tellServer(chosen);
  chosen = [];
  release(held);
  held = null;
  for (const form of document.querySelectorAll('form[data-sums]')) showTotals(form);
});

// Nothing comes into the field in which somebody is: it stays as it was, with its caret or its selection. Whoever went there
// or typed there while the answer was on its way is not led elsewhere by it.
let held = null;
let wasIn = null;

function hold(sent) {
  const field = document.activeElement;
  if (!sent || !field?.id || !field.matches('main form :is(input:not([type="checkbox"], [type="radio"], [role="combobox"]), textarea)')) return null;
  const isWhole = field.selectionStart === 0 && field.selectionEnd === field.value.length;
  const stays = field !== wasIn || sent.get(keyOf(field)) !== contentOf(field);
  return { id: field.id, value: field.value, stays, isWhole, from: field.selectionStart, to: field.selectionEnd };
}

function release(held) {
  const field = held && document.getElementById(held.id);
  if (!field) return;
  if (held.stays) field.focus({ preventScroll: true });
  if (document.activeElement !== field) return;
  if (field.value !== held.value) field.value = held.value;
  if (held.isWhole) field.select();
  else field.setSelectionRange(held.from, held.to);
}

/** What the fields of a form hold, to be compared with when its answer comes. */
export const contents = (form) => new Map(fieldsOf(form).map((field) => [keyOf(field), contentOf(field)]));

/** What was typed or chosen in the page's forms since `sent`. */
export function changedSince(sent) {
  const fields = sent.size > 0 ? [...document.querySelectorAll('main form')].flatMap(fieldsOf) : [];
  return new Map(fields.filter((field) => sent.has(keyOf(field)) && sent.get(keyOf(field)) !== contentOf(field)).map((field) => [keyOf(field), contentOf(field)]));
}

/** Puts that into the forms that came in, and answers the fields it went to. */
export function giveBack(kept) {
  const fields = kept.size > 0 ? [...document.querySelectorAll('main form')].flatMap(fieldsOf) : [];
  const changed = fields.filter((one) => kept.has(keyOf(one)));
  for (const field of changed) field[isBox(field) ? 'checked' : 'value'] = kept.get(keyOf(field));
  return changed;
}

/** Of what was chosen meanwhile the server has not heard. */
export function tellServer(fields) {
  for (const field of fields.filter((one) => one.matches('select'))) field.dispatchEvent(new Event('change', { bubbles: true }));
}

const fieldsOf = (form) => [...form.elements].filter((field) => field.matches('input:not([type="hidden"]), select, textarea'));
const isBox = (field) => field.matches('[type="checkbox"], [type="radio"]');
const keyOf = (field) => field.id || `${field.name} ${isBox(field) ? field.value : ''}`;
const contentOf = (field) => (isBox(field) ? field.checked : field.value);
