// A link with `data-dialog` opens its page's <dialog> over this page; without script it is simply that page.
// Inside, `data-leave` marks the ways out (Cancelar, ×): links back, which here only close the dialog.

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[data-dialog]');
  if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    return open(link);
  }
  const dialog = event.target.closest?.('dialog:modal');
  if (!dialog) return;
  if (event.target.closest('[data-leave]') || isBeside(dialog, event)) {
    event.preventDefault();
    dialog.close();
  }
});

async function open(link) {
  const answer = await fetch(link.href, { headers: { accept: 'text/html' } }).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), 'text/html');
  const dialog = page && page.querySelector('dialog');
  if (!dialog) return location.assign(link.href); // the page itself says what is wrong
  dialog.removeAttribute('open');
  document.body.append(document.adoptNode(dialog));
  dialog.addEventListener('close', () => {
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
}

/** A press on the backdrop reaches the dialog itself, outside its box. */
function isBeside(dialog, { target, clientX, clientY }) {
  if (target !== dialog) return false;
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
