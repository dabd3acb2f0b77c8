// Keys to enter without a password (WebAuthn). What asks for one is hidden until it is known that the browser can:
//   <div data-passkey="/entrar/llave/reto" hidden> with a button, a hidden field «respuesta» and a [role=status]: its form is
//     sent with what the key answered, to [data-passkey-to] if that says so
//   <form data-passkey-new="/mi-cuenta/llaves/reto">: makes a key before it is sent
const canSign = () => typeof PublicKeyCredential?.parseRequestOptionsFromJSON === 'function';

for (const place of document.querySelectorAll('[data-passkey]')) {
  if (!globalThis.PublicKeyCredential || !canSign()) continue;
  place.hidden = false;
  place.querySelector('button').addEventListener('click', () => sign(place));
}

async function sign(place) {
  await answered(place, place.dataset.passkey, async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return navigator.credentials.get({ publicKey });
  });
}

/** Asks for a challenge, lets the browser answer it, and sends the form with that. */
async function answered(place, url, ask) {
  const form = place.closest('form');
  const said = place.querySelector('[role=status]');
  const button = place.querySelector('button:not([type=button])') ?? place.querySelector('button');
  button.disabled = true;
  said.textContent = '';
  try {
    const answer = await fetch(url, { method: 'POST', headers: { accept: 'application/json' } });
    if (!answer.ok) throw new Error(String(answer.status));
    const key = await ask(await answer.json());
    form.elements.respuesta.value = JSON.stringify(key.toJSON());
    if (place.dataset.passkeyTo) form.action = place.dataset.passkeyTo;
    form.submit();
  } catch (error) {
    button.disabled = false;
    // Whoever closes the question, or has no such key, is told the same: browsers say no more.
    said.textContent =
      error.name === 'InvalidStateError'
        ? 'Este equipo ya tiene una llave suya.'
        : error.name === 'NotAllowedError'
          ? 'El navegador no dio ninguna llave. Puede intentarlo otra vez.'
          : 'No se pudo. Vuelva a cargar la página e inténtelo otra vez.';
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target.closest?.('form[data-passkey-new]');
  if (!form || form.elements.respuesta.value || !globalThis.PublicKeyCredential || !canSign()) return;
  event.preventDefault();
  answered(form, form.dataset.passkeyNew, async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  });
});
