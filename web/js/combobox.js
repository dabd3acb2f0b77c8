// Type-ahead over people (WAI-ARIA combobox with a list). Markup:
//   <div class="ac-combo" data-search="/personas/buscar?lado=cliente">
//     <input type="hidden" name="persona_id">
//     <input role="combobox" name="persona" aria-controls="personas" aria-expanded="false" aria-autocomplete="list" …>
//     <ul class="ac-list" id="personas" role="listbox" hidden></ul>
//     <button type="submit" name="accion" value="persona" class="btn btn-secondary ac-unscripted" …>Buscar</button>
//     <button type="submit" name="accion" value="crear" hidden>Crear la persona</button>
//   </div>
// GET data-search&q=… answers options: <li role="option" id=… data-id="…" data-name="…">; data-also="…" for somebody of the
// other side who becomes one of this side too; data-href="…" for «Crear la persona», which sends the form along.
// Choosing one writes its id and name and presses the button; without script that button asks the server for a list of radios.

import { sendWhole } from './swaps.js';

/** Typing pauses this long (ms) before the server is asked: shorter asks twice a word, longer is felt. */
const PAUSE = 120;
const MIN_LETTERS = 2;
const waiting = new WeakMap();

document.addEventListener('input', ({ target }) => {
  const combo = comboOf(target);
  if (!combo) return;
  combo.querySelector('input[type="hidden"]').value = '';
  clearTimeout(waiting.get(combo)?.timer);
  waiting.get(combo)?.request?.abort();
  const request = new AbortController();
  waiting.set(combo, { request, timer: setTimeout(() => search(combo, target, request.signal), PAUSE) });
});

document.addEventListener('keydown', (event) => {
  const combo = comboOf(event.target);
  if (!combo || event.ctrlKey || event.metaKey || event.altKey) return;
  const options = [...listOf(combo).querySelectorAll('[role="option"]')];
  const current = options.findIndex((option) => option.ariaSelected === 'true');
  const isOpen = !listOf(combo).hidden && options.length > 0;
  const does = {
    ArrowDown: () => (isOpen ? select(combo, options[isUntouched(combo) ? 0 : (current + 1) % options.length]) : search(combo, event.target)),
    ArrowUp: () => isOpen && select(combo, options[(current - 1 + options.length) % options.length]),
    Enter: () => isOpen && current >= 0 && choose(combo, options[current]),
    Escape: () => isOpen && close(combo),
  }[event.key]?.();
  if (does !== undefined && does !== false) event.preventDefault();
});

// pointerdown would take the focus, and with it the list, away before the click.
document.addEventListener('pointerdown', (event) => {
  if (event.target.closest?.('.ac-combo [role="option"]')) event.preventDefault();
});
document.addEventListener('mousedown', (event) => {
  if (event.target.closest?.('.ac-combo [role="option"]')) event.preventDefault();
});
document.addEventListener('click', ({ target }) => {
  const option = target.closest?.('.ac-combo [role="option"]');
  if (option) choose(option.closest('.ac-combo'), option);
});
document.addEventListener('focusout', ({ target }) => {
  const combo = comboOf(target);
  if (combo) close(combo);
});

const comboOf = (element) => element.matches?.('.ac-combo[data-search] input[role="combobox"]') && element.closest('.ac-combo');
const listOf = (combo) => combo.querySelector('[role="listbox"]');
const inputOf = (combo) => combo.querySelector('[role="combobox"]');

async function search(combo, input, signal) {
  if (input.value.trim().length < MIN_LETTERS) return close(combo);
  const url = new URL(combo.dataset.search, location.href);
  url.searchParams.set('q', input.value.trim());
  const answer = await fetch(url, { signal, headers: { accept: 'text/html' } }).catch(() => null);
  if (signal?.aborted || document.activeElement !== input) return;
  if (answer?.status === 401) return show(combo, ended(combo));
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  show(combo, [...page.querySelectorAll('[role="option"]')]);
}

function show(combo, options) {
  const list = listOf(combo);
  list.replaceChildren(...options);
  list.hidden = options.length === 0;
  inputOf(combo).ariaExpanded = String(!list.hidden);
  if (list.hidden) return;
  select(combo, options[0]);
  untouched.add(combo);
}

/** The first match is marked as soon as there is one; the first ↓ goes to it, as everywhere, and not past it to «Crear». */
const untouched = new WeakSet();
const isUntouched = (combo) => untouched.has(combo);

/** Nobody is found because nobody is logged in any more: the one choice sends the form, and the login carries it. */
function ended(combo) {
  const option = document.createElement('li');
  Object.assign(option, { id: `${listOf(combo).id}-sesion`, className: 'ac-new', textContent: 'Su sesión terminó: entre para seguir. Lo que escribió no se pierde.' });
  option.setAttribute('role', 'option');
  option.dataset.login = '';
  return [option];
}

function select(combo, option) {
  untouched.delete(combo);
  for (const other of listOf(combo).querySelectorAll('[aria-selected="true"]')) other.ariaSelected = 'false';
  option.ariaSelected = 'true';
  option.scrollIntoView({ block: 'nearest' });
  inputOf(combo).setAttribute('aria-activedescendant', option.id);
  return true;
}

function choose(combo, option) {
  if ('login' in option.dataset) {
    sendWhole(combo.querySelector('[role="combobox"]').form, combo.querySelector('button[type="submit"]'));
    return true;
  }
  if (option.dataset.href) {
    const create = combo.querySelector('button[value="crear"]');
    if (create) create.click();
    else location.assign(option.dataset.href);
    return true;
  }
  if (option.dataset.also) {
    const also = combo.querySelector('input[name="tambien"]') ?? combo.appendChild(Object.assign(document.createElement('input'), { type: 'hidden', name: 'tambien' }));
    also.value = option.dataset.also;
    close(combo);
    combo.querySelector('button[type="submit"]')?.click();
    return true;
  }
  inputOf(combo).value = option.dataset.name;
  combo.querySelector('input[type="hidden"]').value = option.dataset.id;
  close(combo);
  combo.querySelector('button[type="submit"]')?.click();
  return true;
}

function close(combo) {
  listOf(combo).hidden = true;
  inputOf(combo).ariaExpanded = 'false';
  inputOf(combo).removeAttribute('aria-activedescendant');
  return true;
}
