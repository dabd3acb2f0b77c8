// <form data-busy="Buscando…">: while its answer is on the way its button says so, and is not pressed twice.

document.addEventListener('submit', (event) => {
  const [form, button] = [event.target, event.submitter];
  const words = form.dataset.busy;
  if (!words || event.defaultPrevented || !button) return;
  if (form.ariaBusy === 'true') return event.preventDefault();
  form.ariaBusy = 'true';
  if (!button.matches('.btn-primary')) return;
  const label = button.textContent;
  const spinner = document.querySelector('template#girando')?.content.cloneNode(true) ?? '';
  button.replaceChildren(spinner, words);
  // Back to this page, from the browser's memory.
  addEventListener('pageshow', () => button.replaceChildren(label), { once: true });
});

addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-busy]')) form.ariaBusy = null;
});
