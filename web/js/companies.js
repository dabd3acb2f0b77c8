// <form data-companies="companias"> with a search field, before <div id="companias">: what is typed looks at once, Enter enters
// the first company that is found, the arrows go through them. Without script the form answers the same list.

/** Typing pauses this long (ms) before the server is asked. */
const PAUSE = 120;
let timer = 0;
let request = null;
let found = Promise.resolve();

const fieldOf = (element) => element.matches?.('form[data-companies] input[type="search"]') && element;
const placeOf = (field) => document.getElementById(field.form.dataset.companies);
const buttons = (field) => [...placeOf(field).querySelectorAll('.ac-found button')];

document.addEventListener('input', ({ target }) => {
  const field = fieldOf(target);
  if (!field) return;
  clearTimeout(timer);
  found = new Promise((done) => (timer = setTimeout(() => look(field).then(done, done), PAUSE)));
});

document.addEventListener('keydown', async (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const field = fieldOf(target);
  if (field && key === 'Enter' && field.value.trim() !== '') {
    event.preventDefault();
    await found;
    if (shownFor(field) !== field.value.trim()) await look(field);
    return buttons(field)[0]?.click();
  }
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return;
  const search = field || (target.closest?.('.ac-found') && document.querySelector('form[data-companies] input[type="search"]'));
  if (!search) return;
  const all = buttons(search);
  if (all.length === 0) return;
  event.preventDefault();
  const at = all.indexOf(target) + (key === 'ArrowDown' ? 1 : -1);
  (all[at] ?? (at < 0 ? search : all.at(-1))).focus();
});

/** What the list in the page was looked for with. */
const shownFor = (field) => placeOf(field).dataset.typed ?? new URLSearchParams(location.search).get('q')?.trim() ?? '';

async function look(field) {
  request?.abort();
  request = new AbortController();
  const typed = field.value.trim();
  const url = new URL(field.form.action);
  if (typed !== '') url.searchParams.set('q', typed);
  const answer = await fetch(url, { signal: request.signal, headers: { accept: 'text/html' } }).catch(() => null);
  if (!answer?.ok) return answer?.status === 401 ? location.assign('/entrar?volver=%2Fcompanias') : undefined;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const place = placeOf(field);
  place.replaceChildren(...page.getElementById(place.id).childNodes);
  place.dataset.typed = typed;
}
