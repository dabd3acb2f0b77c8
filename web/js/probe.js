// Probar as it happens. A submit button with `data-probe` asks for a stream of events in place of a page:
//   event: fases   <li data-phase="…"> rows that take the place of those in <template id="probando">
//   event: fin     the page as it is without script; its .ac-probe takes the place of this one
// Detener drops the request, and with it the server drops its connection to the mail server.
import { leaveFor } from './leave.js';
import { changedSince, contents, giveBack, sendWhole, tellServer } from './swaps.js';

const TICK = 200; // ms

document.addEventListener('submit', (event) => {
  const button = event.submitter;
  if (!button?.matches('[data-probe]') || !document.querySelector('template#probando')) return;
  event.preventDefault();
  if (!document.querySelector('.ac-probe-side [data-stop]')) probe(event.target, button);
});

// Probar on a card of the list leads to the account's own page and begins there.
document.addEventListener('submit', (event) => {
  const path = new URL(event.target.action, location).pathname;
  if (event.defaultPrevented || !/^\/mi-compania\/correos\/[^/]+\/probar$/.test(path)) return;
  event.preventDefault();
  location.assign(`${path.replace(/\/probar$/, '')}#probar`);
});

async function probe(form, button) {
  const request = new AbortController();
  const body = new URLSearchParams(new FormData(form, button));
  if (button.value === 'corregir') putRight(form);
  const sent = contents(form);
  const shown = show(form, () => request.abort());
  const leave = () => request.abort();
  addEventListener('pagehide', leave, { once: true });
  try {
    const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'text/event-stream, text/html' }, signal: request.signal });
    if (answer.redirected) return leaveFor(answer.url);
    if (answer.status === 401) return sendWhole(form, button);
    const page = isStream(answer) ? await follow(answer, shown.rows) : await answer.text();
    const part = new DOMParser().parseFromString(page, 'text/html').querySelector('.ac-probe');
    if (!part) throw new Error('no form in the answer');
    shown.end();
    swap(document.adoptNode(part), sent);
  } catch (error) {
    shown.end(request.signal.aborted ? 'detenida' : 'cortada');
  } finally {
    removeEventListener('pagehide', leave);
  }
}

const isStream = (answer) => answer.ok && (answer.headers.get('content-type') ?? '').startsWith('text/event-stream');

/** The correction stands in the fields while it is tried. */
function putRight(form) {
  for (const better of [...form.elements].filter((field) => field.name?.startsWith('corregir_') && field.value)) {
    form.elements[better.name.slice('corregir_'.length)].value = better.value;
  }
}

/** Reads events until the last one, and gives its data. Errs if the stream ends before. */
async function follow(answer, rows) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the stream was cut');
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const of = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ''));
      const data = of('data').join('\n');
      switch (of('event')[0]) {
        case 'fases': rows(data); break;
        case 'fin': return data;
        case 'error': throw new Error('the server could not finish');
      }
    }
  }
}

/** The card of a check that runs, in place of the last diagnosis. Answers what fills it in and what ends it. */
function show(form, stop) {
  const card = copyOf('probando');
  const buttons = [...form.querySelectorAll('button')];
  const face = form.querySelector('.card-footer [data-probe]');
  const label = face.textContent;
  for (const one of buttons) one.disabled = true;
  face.textContent = 'Probando…';
  document.querySelector('.ac-probe-side').replaceWith(card);
  card.querySelector('[data-stop]').addEventListener('click', stop);
  card.querySelector('h2').focus();
  const started = performance.now();
  let since = started;
  const ticking = setInterval(() => {
    const now = performance.now();
    card.querySelector('[data-seconds]').textContent = Math.floor((now - started) / 1000);
    const row = card.querySelector('[data-ticking]');
    if (row) row.textContent = `${((now - since) / 1000).toFixed(1).replace('.', ',')} s`;
  }, TICK);
  const rows = (html) => {
    since = performance.now();
    for (const row of fragment(html).querySelectorAll('[data-phase]')) card.querySelector(`[data-phase="${row.dataset.phase}"]`)?.replaceWith(row);
  };
  const end = (how) => {
    clearInterval(ticking);
    for (const one of buttons) one.disabled = false;
    face.textContent = label;
    if (how) sayHow(card, how);
  };
  return { rows, end };
}

/** It was stopped, or it broke off: what was reached stays, and what ran did not end. */
function sayHow(card, how) {
  const head = copyOf(how);
  const running = card.querySelector('[data-state="now"]');
  const sent = head.querySelector('[data-sent]');
  if (sent) sent.hidden = running?.dataset.phase !== 'delivery';
  if (running) {
    const waiting = document.querySelector('template#probando').content.querySelector(`[data-phase="${running.dataset.phase}"]`).cloneNode(true);
    waiting.querySelector('.ac-ms').textContent = how === 'detenida' ? 'detenida' : 'sin terminar';
    running.replaceWith(waiting);
  }
  card.querySelector('.ac-verdict-head').replaceWith(head);
  head.querySelector('h2').focus();
}

/** The answer takes the place of the form and its card; what was typed meanwhile stays, and so does the field one types in. */
function swap(part, sent) {
  const typed = changedSince(sent);
  const field = document.activeElement?.matches('#cuenta :is(input, select)') ? document.activeElement.id : '';
  document.querySelector('.ac-probe').replaceWith(part);
  tellServer(giveBack(typed));
  (document.getElementById(field) ?? part.querySelector('[autofocus]'))?.focus();
}

const copyOf = (id) => document.querySelector(`template#${id}`).content.firstElementChild.cloneNode(true);

function fragment(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
}

// Where a value comes from is said of that value alone: once changed, it is the person's.
document.addEventListener('input', ({ target }) => {
  const hint = document.getElementById(`de-${target.id}`);
  if (!hint?.matches('[data-origin]')) return;
  hint.was ??= { words: hint.textContent, value: target.defaultValue ?? [...target.options].find((one) => one.defaultSelected)?.value };
  hint.textContent = target.value === hint.was.value ? hint.was.words : 'escrito por usted';
});

// A field of dots shows no spaces at its ends.
document.addEventListener('input', ({ target }) => {
  const remark = target.id === 'clave' && document.getElementById('clave-espacios');
  if (!remark) return;
  const [starts, ends] = [/^\s/.test(target.value), /\s$/.test(target.value)];
  remark.textContent = (starts && ends ? remark.dataset.both : starts ? remark.dataset.starts : ends ? remark.dataset.ends : '') ?? '';
});

if (location.hash === '#probar') {
  history.replaceState(history.state, '', location.pathname + location.search);
  document.querySelector('.card-footer [data-probe]')?.click();
}
