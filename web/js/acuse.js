// Everything works without this file: it saves reloads and keystrokes (ui: «Without JavaScript»).
import 'htmx.org/dist/htmx.esm.js';
import './keys.js';
import './dialogs.js';
import './combobox.js';
import './copy.js';
import './leave.js';
import './money.js';
import './typed.js';
import './sums.js';
import './swaps.js';
import './probe.js';
import './busy.js';
import './choices.js';
import './errors.js';
import './frames.js';
import './landing.js';
import './companies.js';
