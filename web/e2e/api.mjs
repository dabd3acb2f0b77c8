// npm run e2e:api -- --bin PATH: the four steps of the main job again, by API v1 and the command line, on a demo of its own.
// Prints a line per step and a closing line; exits 1 when one fails, 2 when it was called wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { argument, freePort, launch, list } from './lib.mjs';
import { COBRO, PAGO, personWithTwoOpen } from './walk.mjs';
import { cents } from '../js/amounts.js';

/** ms from recording until the mail server's answer is in the API, as on the page. */
const ACCEPTED_WITHIN = 2_000;
const MODULES = { received: 'received_payments', made: 'invoices_and_made_payments' };

const bin = argument('bin');
if (!bin) {
  console.error('npm run e2e:api -- --bin PATH   (the acuse binary; build it with cargo build)');
  process.exit(2);
}

const amount = (value) => `${Math.floor(value / 100)}.${String(value % 100).padStart(2, '0')}`;

/** One call of API v1; answers { status, body, headers }. */
async function call(demo, method, path, body, key = randomUUID()) {
  const headers = { authorization: `Bearer ${demo.token}`, ...(body && { 'content-type': 'application/json' }), ...(method === 'POST' && { 'idempotency-key': key }) };
  const answer = await fetch(`${demo.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body: isJson ? await answer.json() : Buffer.from(await answer.arrayBuffer()) };
}

/** 1. An account: wrong with the phase that failed, then correct, then saved; its password is never read back; the other module keeps its sender. */
async function configure(demo, direction, address) {
  const module = MODULES[direction];
  const account = { module, server: '127.0.0.1', port: demo.smtp_port, security: 'none', username: null, password: null, from_name: 'Distribuidora', from_address: address };
  const wrong = await call(demo, 'POST', '/mail-accounts/check', { ...account, port: await freePort() });
  assert.deepEqual([wrong.status, wrong.body.ok, wrong.body.verdict], [200, false, 'Configuración errónea']);
  assert.equal(wrong.body.phases.at(-1).phase, 'connect');
  assert.ok(wrong.body.problem.fix.length > 0, 'it says what to do');
  const right = await call(demo, 'POST', '/mail-accounts/check', account);
  assert.deepEqual([right.status, right.body.ok, right.body.verdict], [200, true, 'Configuración correcta'], JSON.stringify(right.body));
  const invalid = await call(demo, 'POST', '/mail-accounts', { ...account, port: 0 });
  assert.equal(invalid.status, 422);
  assert.match(invalid.headers.get('content-type'), /application\/problem\+json/);
  assert.ok(invalid.body.errors.some(({ field }) => field === 'port'), JSON.stringify(invalid.body));
  const saved = await call(demo, 'POST', '/mail-accounts', account);
  assert.equal(saved.status, 201, JSON.stringify(saved.body));
  assert.ok(!('password' in saved.body));
  assert.equal((await call(demo, 'POST', `/mail-accounts/${saved.body.id}/check`)).body.ok, true);
  const routes = (await call(demo, 'GET', '/mail-routes')).body.data;
  assert.equal(routes.find((one) => one.module === module).from_address, address);
  return routes;
}

/** 2. A payment of two documents, one whole and one in part, asked for twice by a client that lost the first answer. */
async function record(demo, direction, side) {
  const { contact, documents: [whole, part] } = await personWithTwoOpen(demo, side);
  const half = Math.floor(cents(part.balance) / 2);
  const total = amount(cents(whole.balance) + half);
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Guayaquil' }).format(new Date());
  const asked = {
    direction, contact_id: contact.id, date: today, lines: [{ method: 'transfer', amount: total, reference: '88124507' }],
    allocations: [{ document_id: whole.id, amount: whole.balance }, { document_id: part.id, amount: amount(half) }], notify: true,
  };
  const key = randomUUID();
  const first = await call(demo, 'POST', '/payments', asked, key);
  assert.equal(first.status, 201, JSON.stringify(first.body));
  const again = await call(demo, 'POST', '/payments', asked, key);
  assert.equal(again.body.id, first.body.id, 'the same request is carried out once');
  const balance = async (id) => cents((await call(demo, 'GET', `/documents/${id}`)).body.balance);
  assert.deepEqual([await balance(whole.id), await balance(part.id)], [0, cents(part.balance) - half]);
  const over = await call(demo, 'POST', '/payments', asked);
  assert.equal(over.status, 422, 'nobody pays the same documents twice');
  const receipt = await call(demo, 'GET', `/payments/${first.body.id}/receipt.pdf`);
  assert.equal(receipt.body.subarray(0, 5).toString(), '%PDF-');
  return { ...first.body, address: contact.emails, receipt: receipt.body };
}

/** 3a. Every delivery becomes accepted, with the server's words. */
async function accepted(demo, payment, count) {
  const began = Date.now();
  for (;;) {
    const { data } = (await call(demo, 'GET', `/payments/${payment.id}/deliveries`)).body;
    if (data.length === count && data.every(({ state }) => state === 'accepted')) {
      for (const one of data) assert.match(one.attempts.at(-1).reply, /^250/);
      return data;
    }
    assert.ok(Date.now() - began <= ACCEPTED_WITHIN, `not accepted in time: ${JSON.stringify(data)}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** 3b. Sent again: beside the first ones, as Reenvío 1. */
async function resend(demo, payment) {
  const answer = await call(demo, 'POST', `/payments/${payment.id}/deliveries`, {});
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const all = await accepted(demo, payment, payment.deliveries.length * 2);
  assert.deepEqual(all.map(({ resend_of }) => resend_of).sort(), [...payment.deliveries.map(() => 1), ...payment.deliveries.map(() => null)]);
}

/** 4. The demo's mailbox has each of them, with the PDF that the API gives. */
async function arrived(demo, cookie, payment) {
  const page = async (path) => (await fetch(`${demo.url}${path}`, { headers: { cookie } })).text();
  const links = [...(await page('/demo/buzon')).matchAll(/href="(\/demo\/buzon\/[^"/]+)"/g)].map(([, link]) => link);
  const mails = await Promise.all([...new Set(links)].map((link) => page(`${link}/original`)));
  const mine = mails.filter((mail) => mail.includes(payment.number));
  assert.equal(mine.length, payment.deliveries.length * 2);
  for (const mail of mine) {
    assert.match(mail, new RegExp(`filename="?Recibo-${payment.number}\\.pdf`));
    assert.match(mail, /^Auto-Submitted: auto-generated/im);
  }
  const [attached] = mine.at(-1).split(/content-type: application\/pdf/i).slice(1).map((part) => part.split(/\r?\n\r?\n/)[1].replace(/\s/g, ''));
  assert.ok(Buffer.from(attached, 'base64').equals(payment.receipt), 'the PDF in the mail is the one of the API');
}

async function sessionOf(demo) {
  const answer = await fetch(`${demo.url}/entrar`, { method: 'POST', redirect: 'manual', headers: { origin: demo.url }, body: new URLSearchParams({ correo: demo.email, clave: demo.password }) });
  assert.equal(answer.status, 303, 'the login that the demo printed');
  return answer.headers.get('set-cookie').split(';')[0];
}

/** `acuse mail check`: 0 correct, 1 wrong, 2 called wrong. */
async function commandLine(demo) {
  const check = (...args) => new Promise((done) => {
    const child = spawn(bin, ['mail', 'check', '--server', '127.0.0.1', ...args], { env: { ...process.env, ACUSE_ALLOWED_PRIVATE_HOSTS: '127.0.0.1' } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
    child.once('close', (code) => done([code, said]));
  });
  const usual = ['--security', 'none', '--from', COBRO.address];
  const [right, said] = await check('--port', String(demo.smtp_port), ...usual);
  assert.equal(right, 0, said);
  assert.match(said, /connect[\s\S]*Configuración correcta/);
  const [wrong, why] = await check('--port', String(await freePort()), ...usual);
  assert.equal(wrong, 1, why);
  assert.match(why, /✗ connect[\s\S]*Configuración errónea/);
  const [usage, how] = await check(...usual);
  assert.equal(usage, 2, how);
  const [report, json] = await check('--port', String(demo.smtp_port), ...usual, '--json');
  assert.deepEqual([report, JSON.parse(json).verdict], [0, 'Configuración correcta']);
  assert.equal(json.trim().split('\n').length, 1, 'with --json nothing is told on the way');
}

/** Ctrl-C while a check waits for a server that says nothing: it ends at once, says so, and lets the server go. */
async function stopped() {
  const open = new Set();
  const server = createServer((socket) => open.add(socket.on('error', () => {}).on('close', () => open.delete(socket))));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const child = spawn(bin, ['mail', 'check', '--server', '127.0.0.1', '--port', String(server.address().port), '--security', 'none', '--from', COBRO.address], { env: { ...process.env, ACUSE_ALLOWED_PRIVATE_HOSTS: '127.0.0.1' } });
  let [told, why] = ['', ''];
  child.stdout.on('data', (bytes) => (told += bytes));
  child.stderr.on('data', (bytes) => (why += bytes));
  const ended = new Promise((done) => child.once('close', done));
  while (!/✓ connect/.test(told)) await new Promise((done) => setTimeout(done, 20));
  assert.equal(open.size, 1);
  child.kill('SIGINT');
  assert.equal(await ended, 1, why);
  assert.match(why, /se detuvo antes de terminar/);
  assert.doesNotMatch(told, /Configuración/);
  for (let i = 0; i < 50 && open.size > 0; i += 1) await new Promise((done) => setTimeout(done, 20));
  assert.equal(open.size, 0, 'the mail server was let go');
  server.close();
}

/** What an address alone tells, by API and `acuse mail discover`: a known provider needs no network. */
async function discovered(demo) {
  const address = 'cotopaxi.cobros@gmail.com';
  const answer = await call(demo, 'POST', '/mail-accounts/discover', { address });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const child = spawn(bin, ['mail', 'discover', address, '--json']);
  let said = '';
  child.stdout.on('data', (bytes) => (said += bytes));
  const code = await new Promise((done) => child.once('close', done));
  assert.deepEqual([code, JSON.parse(said)], [0, answer.body]);
  assert.deepEqual(answer.body.server, { value: 'smtp.gmail.com', source: 'preset', detail: 'de Gmail' });
}

async function walk(demo) {
  const cookie = await sessionOf(demo);
  for (const [direction, { side, address }] of [['received', COBRO], ['made', PAGO]]) {
    const routes = await configure(demo, direction, address);
    if (direction === 'received') assert.equal(routes.find((one) => one.module === MODULES.made).source, 'default');
    const payment = await record(demo, direction, side);
    await accepted(demo, payment, payment.deliveries.length);
    await resend(demo, payment);
    await arrived(demo, cookie, payment);
    console.log(`ok    API v1: the account, ${payment.number}, its ${payment.deliveries.length * 2} envíos and their mails`);
  }
  await commandLine(demo);
  console.log('ok    acuse mail check: 0 correct, 1 wrong, 2 called wrong');
  await stopped();
  console.log('ok    acuse mail check: Ctrl-C stops it at once');
  await discovered(demo);
  console.log('ok    acuse mail discover: the same as the API');
}

const demo = await launch(bin);
try {
  await walk(demo);
  console.log('API walk: passed');
} catch (error) {
  process.exitCode = 1;
  console.log(`FAIL  ${String(error.stack).replace(/^/gm, '      ')}`);
  console.log(demo.log().split('\n').slice(-15).join('\n').replace(/^/gm, '      '));
  console.log('API walk: failed');
} finally {
  await demo.stop();
}
