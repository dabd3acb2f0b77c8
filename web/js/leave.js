// A page with something typed and not sent asks before it is left: by a link, a reload, a closed window. The question is the
// browser's own. Not asked of what was not changed, nor when the form itself is sent.
//
// <body data-typed>: the page came as the answer to a form, with what was typed still in it.

const WRITES = 'main form[method="post"]';
let typed = document.body.hasAttribute('data-typed') || document.querySelector('main .ac-errors[role="alert"]') !== null;
let sent = false;

const isChanged = (field) => {
  if (field.matches('[type="hidden"], [type="submit"], button')) return false;
  if (field.matches('select')) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex !== firstChoice(field);
  if (field.matches('[type="checkbox"], [type="radio"]')) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
};

/** What a select shows while nobody chose. */
const firstChoice = (select) => Math.max([...select.options].findIndex((option) => option.defaultSelected), 0);

const holdsSomething = () => [...document.querySelectorAll(WRITES)].some((form) => [...form.elements].some(isChanged));

/** The form that comes in with a swap has what was typed as its own: it is remembered here. */
document.addEventListener('htmx:before:swap', () => {
  typed ||= holdsSomething();
});

// Heard after everybody else who may keep it from being sent.
addEventListener('submit', (event) => {
  if (!event.defaultPrevented && event.target.matches(WRITES)) sent = true;
});

addEventListener('pageshow', () => {
  sent = false;
});

addEventListener('beforeunload', (event) => {
  if (!sent && (typed || holdsSomething())) event.preventDefault();
});

/** For a script that leaves on purpose. */
export function leaveFor(address) {
  sent = true;
  location.assign(address);
}

/** For a script that sends the form by itself. */
export function sends() {
  sent = true;
}
