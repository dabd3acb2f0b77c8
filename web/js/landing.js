// After a form was saved the focus goes to the new page's heading: whoever does not see the screen hears what came of it. A page
// that says itself where the focus belongs ([autofocus]: errors, a verdict) keeps it.

const KEY = 'acuse-guardado';

document.addEventListener('submit', (event) => {
  const { target: form } = event;
  if (event.defaultPrevented || form.method !== 'post' || !form.closest('main, dialog')) return;
  sessionStorage.setItem(KEY, '1');
});

const saved = sessionStorage.getItem(KEY);
sessionStorage.removeItem(KEY);
const heading = document.querySelector('main h1');
if (saved && heading && !document.querySelector('main [autofocus]')) {
  heading.tabIndex = -1;
  heading.focus();
}
