// <iframe data-grows>: as high as what it shows, so that one scrolls the page and not a window in it. It is of our origin, and
// nothing in it runs; without script it keeps the height of the style sheet.

/** What a mail may take (px); a longer one is somebody's mischief. */
const HIGHEST = 20_000;

function grow(frame) {
  const shown = frame.contentDocument?.documentElement;
  if (!shown) return;
  frame.style.height = '0';
  frame.style.height = `${Math.min(shown.scrollHeight + 2, HIGHEST)}px`;
}

const all = () => document.querySelectorAll('iframe[data-grows]');
for (const frame of all()) {
  frame.addEventListener('load', () => grow(frame));
  grow(frame);
}
addEventListener('resize', () => all().forEach(grow));
