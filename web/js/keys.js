// The keyboard of ui/README.md. An element says which keys press it in `aria-keyshortcuts`, in that attribute's own spelling:
//   <input type="search" aria-keyshortcuts="/">   <a href="/cobros/nuevo" aria-keyshortcuts="N">
//   <button aria-keyshortcuts="Alt+F">            <button aria-keyshortcuts="Control+Enter">
// With a dialog open, only what is inside it answers. Esc closes a menu, or leaves a dialog that is a page of its own.

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === 'Escape') return leave(event);
  const keys = pressed(event);
  if (!keys || (keys.length === 1 && isTyping(event.target))) return;
  const all = [...placeToLook().querySelectorAll(`[aria-keyshortcuts="${CSS.escape(keys)}"]`)].filter((one) => one.checkVisibility() || one.closest('.ac-company'));
  // What the page itself has goes before what stands in the menu of every page.
  const target = all.find((one) => one.closest('main')) ?? all[0];
  if (!target) return;
  event.preventDefault();
  if (target.matches('input')) {
    target.focus();
    target.select();
  } else {
    target.click();
  }
});

/** «N», «/», «Alt+F», «Control+Enter»; null for keys that no element can ask for. */
function pressed({ key, code, ctrlKey, metaKey, altKey }) {
  if ((ctrlKey || metaKey) && key === 'Enter') return 'Control+Enter';
  if (altKey && !ctrlKey && /^Key[A-Z]$/.test(code)) return `Alt+${code.slice(3)}`; // on a Mac, Alt changes `key`
  if (ctrlKey || metaKey || altKey || key.length !== 1) return null;
  return key.toUpperCase();
}

const placeToLook = () => document.querySelector('dialog[open]') ?? document;

const isTyping = (element) => element.matches?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]');

function leave(event) {
  const menu = document.querySelector('details:is(.ac-more, .ac-company)[open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
    return event.preventDefault();
  }
  document.querySelector('dialog[open]:not(:modal) [data-leave]')?.click();
}

// A menu also closes when one clicks elsewhere.
document.addEventListener('click', ({ target }) => {
  for (const menu of document.querySelectorAll('details:is(.ac-more, .ac-company)[open]')) if (!menu.contains(target)) menu.open = false;
});
