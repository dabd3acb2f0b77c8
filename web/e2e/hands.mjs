// Two ways to do the same: with a pointer, or with the keyboard alone.
import { fail } from './lib.mjs';

/** More Tab presses than any page has stops. */
const MOST_TABS = 250;

export const pointer = {
  name: 'pointer',
  press: (locator) => locator.click(),
  write: (locator, text) => locator.fill(text),
  choose: (locator, label) => locator.selectOption({ label }),
  tick: (locator, on = true) => locator.setChecked(on),
};

export const keyboard = {
  name: 'keyboard',
  async press(locator) {
    await tabTo(locator);
    await locator.page().keyboard.press('Enter');
  },
  async write(locator, text) {
    await tabTo(locator);
    await locator.page().keyboard.press('Control+A');
    if (text === '') await locator.page().keyboard.press('Delete');
    else await locator.page().keyboard.type(text, { delay: 15 });
  },
  async choose(locator, label) {
    await tabTo(locator);
    const { keyboard: keys } = locator.page();
    const chosen = () => locator.evaluate((select) => select.selectedOptions[0]?.label.trim());
    await keys.press('Home');
    for (let i = 0; i < 40 && (await chosen()) !== label; i += 1) await keys.press('ArrowDown');
    if ((await chosen()) !== label) fail(`the keyboard does not reach «${label}»`);
  },
  async tick(locator, on = true) {
    await tabTo(locator);
    if ((await locator.isChecked()) !== on) await locator.page().keyboard.press('Space');
  },
};

async function tabTo(locator) {
  await locator.waitFor();
  for (let i = 0; i < MOST_TABS; i += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await locator.page().keyboard.press('Tab');
  }
  fail(`Tab does not reach ${locator}`);
}
