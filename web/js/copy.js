// <button data-copy="id of a field" hidden>: comes to sight where there is a script, and copies what the field holds.
// On plain http a page may not write to the clipboard; then the field's text is marked, to be copied by hand.

const COPIED_FOR = 2_000; // ms that the button says so

const show = () => document.querySelectorAll('[data-copy][hidden]').forEach((button) => (button.hidden = false));

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]');
  const field = button && document.getElementById(button.dataset.copy);
  if (!field) return;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
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
