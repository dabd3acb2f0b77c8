// <button data-copy="id of a field or of a text" hidden>: comes to sight where there is a script, and copies what it holds.
// On plain http a page may not write to the clipboard; then the text is marked, to be copied by hand.

const COPIED_FOR = 2_000; // ms that the button says so

const show = () => document.querySelectorAll('[data-copy][hidden]').forEach((button) => (button.hidden = false));

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]');
  const field = button && document.getElementById(button.dataset.copy);
  if (!field) return;
  if (field.select) field.select();
  else getSelection().selectAllChildren(field);
  try {
    await navigator.clipboard.writeText(field.value ?? field.textContent);
  } catch {
    return field.focus();
  }
  const word = button.firstChild;
  const before = word.textContent;
  if (before === 'Copiado') return;
  word.textContent = 'Copiado';
  setTimeout(() => (word.textContent = before), COPIED_FOR);
});

document.addEventListener('htmx:after:swap', show);
show();
