// npm run e2e -- --bin PATH [--only WORDS]: the main job and the mail accounts in a real browser, each walk on a demo of its own.
// Prints a line per walk and a closing line; exits 1 when one fails, 2 when it was called wrong.
import assert from 'node:assert/strict';
import { argument, freePort, launch, launchEmpty, login, openBrowser, screenshot, slowMailServer, testProvider, visitor } from './lib.mjs';
import { connectMailbox } from './connect.mjs';
import { keyboard, pointer } from './hands.mjs';
import { correctThePort, correctWithOneClick, lookingForTheServer, phasesAsTheyHappen, probeFromTheList, stop, twiceReloadAndBack, typingMeanwhile } from './accounts.mjs';
import { slipIsAskedOnce, slipIsAskedOnLeaving } from './slips.mjs';
import { mailServer, makeCertificate } from './mail_server.mjs';
import { amountsUnderAHand, answersThatComeLate, backTicksNothing, aSessionThatEnds, aSessionThatEndsUnderTheScript, askedBeforeItIsSaved, createThePerson, leaving, oneEmptyFormTakesTheSum, twoReadings } from './typing.mjs';
import { firstStartToFirstReceipt, inviteAcceptLoseRole } from './people.mjs';
import { closedByAPerson, correctedIsOver, emptiesTheMailbox, listsInOrder, onlyWhatWorksIsOffered, slashSearches } from './solved.mjs';
import { hundredCompanies, theOtherTab } from './companies.mjs';
import { aKey, codesOfAnApplication } from './second.mjs';
import { accepted, addAccount, COBRO, noteStates, otherModuleIsOnTheDefaultAccount, PAGO, readMail, record, resend } from './walk.mjs';

const bin = argument('bin');
if (!bin) {
  console.error('npm run e2e -- --bin PATH   (the acuse binary; build it with cargo build)');
  process.exit(2);
}

/** ms before each answer of the mail server: long enough for a person to see «En cola», three or four times well under two seconds. */
const SERVER_THINKS = 200;

/** A mail is shown in a frame that may run nothing; the walk's own questions about it are refused too. A page that is left
 *  while it looks for an envío's state drops that question. */
const ASKED_BY_THE_WALK = /^(Failed to load resource: the server responded with a status of (403|409|410) |Failed to load resource: the server responded with a status of 422 \(Unprocessable Entity\) \S+\/entrar\/|Blocked script execution in \S+\/demo\/buzon\/\S+\/html|htmx: htmx:error: Failed to fetch TypeError: Failed to fetch[^]*elt: section#envios)/;

/** The four steps, for a cobro and for a pago. Answers how long each envío took to be accepted on the page. */
async function fourSteps(page, demo, hand, script) {
  const took = [];
  await page.addInitScript(noteStates);
  await addAccount(page, demo, hand, COBRO, script);
  await otherModuleIsOnTheDefaultAccount(page, PAGO);
  for (const what of [COBRO, PAGO]) {
    if (what === PAGO) await addAccount(page, demo, hand, PAGO, script);
    const payment = await record(page, demo, hand, what, script);
    took.push(await accepted(page, script, payment.recipients));
    const sends = await resend(page, hand, script);
    took.push(await accepted(page, script, sends));
    await readMail(page, hand, what, payment);
  }
  return `accepted after ${took.join(', ')} ms`;
}

const walks = [
  ['the four steps, for a cobro and a pago', {}, (page, demo) => fourSteps(page, demo, pointer, true)],
  ['the four steps by keyboard alone', {}, (page, demo) => fourSteps(page, demo, keyboard, true)],
  ['the four steps without JavaScript', { script: false }, (page, demo) => fourSteps(page, demo, pointer, false)],
  ['a wrong TLS is mended with one click', {}, (page, demo) => correctWithOneClick(page, demo, pointer, true)],
  ['a wrong TLS is mended by keyboard alone', {}, (page, demo) => correctWithOneClick(page, demo, keyboard, true)],
  ['a wrong TLS is mended without JavaScript', { script: false }, (page, demo) => correctWithOneClick(page, demo, pointer, false)],
  ['a wrong TLS is mended on a phone', { width: 360, height: 740 }, (page, demo) => correctWithOneClick(page, demo, pointer, true)],
  ['a wrong port is mended with one click', {}, correctThePort],
  ['the phases of Probar appear as they happen', {}, phasesAsTheyHappen],
  ['Detener stops a check and says so', {}, stop],
  ['one may type while a check runs', {}, typingMeanwhile],
  ['Probar twice, a reload and Back', {}, twiceReloadAndBack],
  ['Probar from the list', {}, probeFromTheList],
  ['looking for the server of an address', {}, lookingForTheServer],
  ['a mailbox is connected without a password', { provider: true }, (page) => connectMailbox(page, true)],
  ['a mailbox is connected without JavaScript', { provider: true, script: false }, (page) => connectMailbox(page, false)],
  ['typing: an amount under a hand', {}, amountsUnderAHand],
  ['typing: an answer that comes late', {}, answersThatComeLate],
  ['typing: one empty form takes the sum', {}, oneEmptyFormTakesTheSum],
  ['typing: Back ticks nothing', {}, backTicksNothing],
  ['typing: an amount of two readings', {}, twoReadings],
  ['typing: asked before it is saved', {}, askedBeforeItIsSaved],
  ['typing: asked before it is saved, without JavaScript', { script: false }, askedBeforeItIsSaved],
  ['typing: a session that ends', {}, aSessionThatEnds],
  ['typing: a session that ends, without JavaScript', { script: false }, aSessionThatEnds],
  ['typing: a session that ends under the script', {}, aSessionThatEndsUnderTheScript],
  ['typing: a half-typed form asks before it is left', {}, leaving],
  ['typing: the person is created from the cobro', {}, createThePerson],
  ['a slip in an address is asked about, and once', {}, (page, demo) => slipIsAskedOnce(page, demo, pointer)],
  ['a slip in an address is answered by keyboard alone', {}, (page, demo) => slipIsAskedOnce(page, demo, keyboard)],
  ['a slip in an address is asked about without JavaScript', { script: false }, (page, demo) => slipIsAskedOnce(page, demo, pointer)],
  ['a slip in an address is asked about on a phone', { width: 360, height: 740 }, (page, demo) => slipIsAskedOnce(page, demo, pointer)],
  ['a slip in an address is asked about when the field is left', {}, slipIsAskedOnLeaving],
  ['a corrected address ends the alarm', {}, (page, demo) => correctedIsOver(page, demo, pointer, true)],
  ['a corrected address ends the alarm, by keyboard alone', {}, (page, demo) => correctedIsOver(page, demo, keyboard, true)],
  ['a corrected address ends the alarm without JavaScript', { script: false }, (page, demo) => correctedIsOver(page, demo, pointer, false)],
  ['a person closes what is solved', {}, (page, demo) => closedByAPerson(page, demo, pointer, true)],
  ['a person closes what is solved, by keyboard alone', {}, (page, demo) => closedByAPerson(page, demo, keyboard, true)],
  ['a person closes what is solved without JavaScript', { script: false }, (page, demo) => closedByAPerson(page, demo, pointer, false)],
  ['only what works is offered', {}, (page, demo) => onlyWhatWorksIsOffered(page, demo, pointer)],
  ['lists are put in order and searched', {}, (page, demo) => listsInOrder(page, demo, pointer, true)],
  ['lists are put in order and searched by keyboard alone', {}, (page, demo) => listsInOrder(page, demo, keyboard, true)],
  ['lists are put in order and searched without JavaScript', { script: false }, (page, demo) => listsInOrder(page, demo, pointer, false)],
  ['the slash is a search on every page', {}, slashSearches],
  ['the mailbox is emptied', {}, (page, demo) => emptiesTheMailbox(page, demo, pointer)],
  ['from an empty folder to the first receipt', { empty: true }, firstStartToFirstReceipt],
  ['from an empty folder to the first receipt, without JavaScript', { empty: true, script: false }, firstStartToFirstReceipt],
  ['invited, accepted, and a role lost in mid-form', {}, inviteAcceptLoseRole],
  ['between a hundred companies by keyboard alone', {}, (page) => hundredCompanies(page)],
  ['a form of another company that stayed open', {}, (page, demo) => theOtherTab(page, demo, pointer)],
  ['a form of another company that stayed open, without JavaScript', { script: false }, (page, demo) => theOtherTab(page, demo, pointer)],
  ['second step: codes of an application', {}, codesOfAnApplication],
  ['second step: codes of an application without JavaScript', { script: false }, codesOfAnApplication],
  ['second step: codes of an application on a phone', { width: 360, height: 740 }, codesOfAnApplication],
  ['second step: a key of the virtual authenticator', { named: true }, aKey],
  ['the four steps on a phone', { width: 360, height: 740 }, (page, demo) => fourSteps(page, demo, pointer, true)],
];

const only = argument('only');
const browser = await openBrowser();
const certificate = makeCertificate();
const failed = [];
let passed = 0;
for (const [name, options, walk] of walks.filter(([name]) => !only || name.includes(only))) {
  const started = Date.now();
  const provider = options.provider ? await testProvider(bin) : null;
  // Keys are for a name, not for a number.
  const port = options.named ? await freePort() : null;
  const named = port && { ACUSE_LISTEN: `127.0.0.1:${port}`, ACUSE_PUBLIC_URL: `http://localhost:${port}` };
  const demo = await launch(bin, { ACUSE_EXTRA_CA_FILE: certificate.ca, ...provider?.settings, ...named });
  demo.certificate = certificate;
  demo.mail = await mailServer(certificate, SERVER_THINKS);
  demo.slow = await slowMailServer(demo.smtp_port, SERVER_THINKS);
  const empty = options.empty ? await launchEmpty(bin, demo.smtp_port) : null;
  const page = await visitor(browser, empty ?? demo, options);
  try {
    if (!empty) await login(page, demo);
    const said = await walk(page, empty ?? demo, browser);
    assert.deepEqual(page.complaints.filter((one) => !ASKED_BY_THE_WALK.test(one)), [], 'the browser has nothing to complain about');
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - started) / 1000).toFixed(1)} s${said ? `; ${said}` : ''})`);
  } catch (error) {
    failed.push(name);
    console.log(`FAIL  ${name}\n      at ${page.url()}\n${String(error.stack).replace(/^/gm, '      ')}`);
    for (const complaint of page.complaints) console.log(`      browser: ${complaint}`);
    console.log(demo.log().split('\n').slice(-15).join('\n').replace(/^/gm, '      '));
    await screenshot(page, 'e2e/pictures/failed', name.replace(/\W+/g, '-')).catch(() => {});
  } finally {
    await page.context().close();
    demo.slow.stop();
    demo.mail.stop();
    await empty?.stop();
    await demo.stop();
    provider?.stop();
  }
}
await browser.close();
certificate.remove();
console.log(`browser walks: ${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;
