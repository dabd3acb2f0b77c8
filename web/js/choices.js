// <div data-choices="envio"> with submit buttons over a list of <input type="checkbox" name="envio" data-may="reintentar anular">:
// a button is offered where at least one of the ticked rows allows it, and says how many do. With nothing ticked, none is pressed
// in vain. Without script the server says what could not be done.

function offer(bar) {
  const chosen = [...document.querySelectorAll(`input[name="${bar.dataset.choices}"][data-may]:checked`)];
  const label = bar.querySelector('p');
  label.dataset.words ??= label.textContent;
  label.textContent = chosen.length === 0 ? label.dataset.words : chosen.length === 1 ? '1 elegido' : `${chosen.length} elegidos`;
  for (const button of bar.querySelectorAll('button[value]')) {
    button.disabled = !chosen.some((one) => one.dataset.may.split(' ').includes(button.value));
  }
}

const offerAll = () => document.querySelectorAll('[data-choices]').forEach(offer);

document.addEventListener('change', ({ target }) => {
  if (target.matches('input[data-may]')) offerAll();
});
// Back from another page the browser ticks what was ticked.
addEventListener('pageshow', offerAll);
offerAll();
