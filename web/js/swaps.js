// What htmx's swaps need beside it: polls that do not disturb, and Probar while it runs.
//
// Live part       <section id="envios" hx-get="{{ its page }}" hx-select="#envios" hx-swap="outerHTML" hx-trigger="every 1s">
//                 the server leaves hx-trigger out when nothing more will happen, and with it the polling ends
// Form action     <button name="accion" value="forma" hx-post="{{ the form's action }}" hx-target="#contenido" hx-select="#contenido" hx-swap="outerHTML">
// Probar          the same with `data-probe`, hx-target and hx-select ".ac-probe", and <template id="probando"> in the page
// Focus           goes to [autofocus] of what came in (errors, verdict, new row), with htmx and without script alike
import { showTotals } from './sums.js';

const isPoll = (element) => element?.matches?.('[hx-trigger^="every"]');

document.addEventListener('htmx:before:request', (event) => {
  const { target } = event;
  if (isPoll(target) && isTypingIn(target)) return event.preventDefault();
  if (target.matches?.('[data-probe]')) showProbing(target);
});

/** A poll that replaced a field someone types in would take the words away. */
const isTypingIn = (part) => part.contains(document.activeElement) && document.activeElement.matches('input:not([type="checkbox"]), textarea, select');

// The session ended: the answer is the login page, and belongs to the whole window.
document.addEventListener('htmx:before:swap', (event) => {
  const answer = event.detail.ctx?.response?.raw;
  if (!answer?.redirected) return;
  event.preventDefault();
  location.assign(answer.url);
});

document.addEventListener('htmx:after:swap', () => {
  giveBack();
  for (const form of document.querySelectorAll('form[data-sums]')) showTotals(form);
});

// An answer knows its form as it was sent; what a person typed or chose since then stays.
let asSent = null;
let since = new Map();

document.addEventListener('htmx:before:request', ({ target }) => {
  if (target.form && !isPoll(target)) asSent = new Map(fieldsOf(target.form).map((field) => [keyOf(field), contentOf(field)]));
});

document.addEventListener('htmx:before:swap', () => {
  const fields = asSent ? [...document.querySelectorAll('main form')].flatMap(fieldsOf) : [];
  since = new Map(fields.filter((field) => asSent.has(keyOf(field)) && asSent.get(keyOf(field)) !== contentOf(field)).map((field) => [keyOf(field), contentOf(field)]));
  asSent = null;
});

function giveBack() {
  const [kept, fields] = [since, since.size > 0 ? [...document.querySelectorAll('main form')].flatMap(fieldsOf) : []];
  since = new Map();
  for (const field of fields.filter((one) => kept.has(keyOf(one)))) {
    field[isBox(field) ? 'checked' : 'value'] = kept.get(keyOf(field));
    if (field.matches('select')) field.dispatchEvent(new Event('change', { bubbles: true })); // the server has not heard of it
  }
}

const fieldsOf = (form) => [...form.elements].filter((field) => field.matches('input:not([type="hidden"]), select, textarea'));
const isBox = (field) => field.matches('[type="checkbox"], [type="radio"]');
const keyOf = (field) => field.id || `${field.name} ${isBox(field) ? field.value : ''}`;
const contentOf = (field) => (isBox(field) ? field.checked : field.value);

function showProbing(button) {
  const side = document.querySelector('.ac-probe-side');
  const running = document.querySelector('template#probando')?.content.firstElementChild?.cloneNode(true);
  if (!running) return;
  const form = button.form;
  const before = { side, label: button.lastChild.textContent };
  const buttons = [...form.querySelectorAll('button')];
  for (const one of buttons) one.disabled = true;
  button.lastChild.textContent = 'Probando…';
  side ? side.replaceWith(running) : form.after(running);
  const clock = running.querySelector('[data-seconds]');
  const started = performance.now();
  const ticking = setInterval(() => (clock.textContent = String(Math.round((performance.now() - started) / 1000))), 500);
  running.querySelector('[data-stop]')?.addEventListener('click', () => button.dispatchEvent(new CustomEvent('htmx:abort')));
  // After the swap these nodes are gone; after an abort or a broken connection the form is as it was.
  button.addEventListener('htmx:finally:request', () => {
    clearInterval(ticking);
    for (const one of buttons) one.disabled = false;
    button.lastChild.textContent = before.label;
    if (before.side) running.replaceWith(before.side);
    else running.remove();
  }, { once: true });
}
