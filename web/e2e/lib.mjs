// What every browser test needs: a demo of its own, Debian's Chromium, the login, axe and pictures.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

/** ms; a debug build on a busy machine makes its database, its user (argon2) and its demo data in this time. */
const START = 60_000;
const STOP = 10_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const AXE = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * Starts `acuse demo` in a folder of its own; answers what it printed (url, email, password, token, smtp_port) and stop().
 * A demo takes no registration with a provider: where the settings have one, `acuse serve` goes on with what the demo made.
 */
export async function launch(bin, settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'acuse-e2e-'));
  // The demo reaches its own mail server and nothing else on this machine; the walks have servers of their own.
  const reachable = ['127.0.0.1', settings.ACUSE_ALLOWED_PRIVATE_HOSTS].filter(Boolean).join(',');
  const env = { ...process.env, ACUSE_LISTEN: `127.0.0.1:${await freePort()}`, ACUSE_DATA_DIR: folder, ...settings, ACUSE_ALLOWED_PRIVATE_HOSTS: reachable };
  let log = '';
  const start = (...command) => {
    const child = spawn(bin, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.on('data', (bytes) => (log = (log + bytes).slice(-20_000)));
    return { child, ended: new Promise((done) => child.once('exit', done)) };
  };
  const end = async ({ child, ended }) => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP);
    await ended;
    clearTimeout(late);
  };
  let running = start('demo', '--json', '--data-dir', folder);
  const stop = async () => {
    await end(running);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const printed = await Promise.race([firstLine(running.child.stdout), running.ended.then((code) => fail(`it ended with ${code}`)), after(START).then(() => fail(`it printed nothing for ${START / 1000} s`))]);
    const demo = { ...JSON.parse(printed), log: () => log, stop };
    if (settings.ACUSE_OAUTH_GOOGLE_CLIENT_ID) {
      await end(running);
      running = start('serve');
    }
    await answers(`${demo.url}/healthz`);
    return demo;
  } catch (error) {
    await stop();
    throw new Error(`acuse demo did not start: ${error.message}\n${log}`);
  }
}

/** `acuse serve` in an empty folder, whose mail goes to the mail server at this port: its url, the link that it printed first, and stop(). */
export async function launchEmpty(bin, smtpPort) {
  const folder = mkdtempSync(join(tmpdir(), 'acuse-first-'));
  const env = {
    ...process.env, ACUSE_LISTEN: `127.0.0.1:${await freePort()}`, ACUSE_DATA_DIR: folder, ACUSE_ALLOWED_PRIVATE_HOSTS: '127.0.0.1',
    ACUSE_DEFAULT_MAIL_URL: `smtp://127.0.0.1:${smtpPort}?security=none`, ACUSE_DEFAULT_MAIL_FROM: 'avisos@acuse.example',
  };
  const child = spawn(bin, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (bytes) => (log = (log + bytes).slice(-20_000)));
  const ended = new Promise((done) => child.once('exit', done));
  const printed = await Promise.race([firstLine(child.stdout), ended.then((code) => fail(`it ended with ${code}: ${log}`))]);
  const [first] = /https?:\S+/.exec(printed);
  const url = new URL(first).origin;
  await answers(`${url}/healthz`);
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, first, log: () => log, stop };
}

export const fail = (words) => { throw new Error(words); };
export const after = (ms) => new Promise((done) => setTimeout(done, ms).unref());

async function firstLine(stream) {
  for await (const line of createInterface({ input: stream })) {
    stream.resume(); // what follows is nobody's, and a full pipe would stop the process
    return line;
  }
  return fail('it closed its output');
}

export function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** The tests' own OpenID provider with its mail server: the settings with which a demo knows it as Google, and stop(). */
export async function testProvider(bin) {
  const folder = mkdtempSync(join(tmpdir(), 'acuse-provider-'));
  const child = spawn(join(dirname(bin), 'acuse-test-provider'), [folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const failed = new Promise((_, no) => child.once('error', (error) => no(new Error(`${error.message}: cargo build --workspace --bins makes it`))));
  const { issuer, client_id, client_secret, ca, smtp_port } = JSON.parse(await Promise.race([firstLine(child.stdout), failed]));
  const settings = {
    ACUSE_OAUTH_GOOGLE_ISSUER: issuer, ACUSE_OAUTH_GOOGLE_CLIENT_ID: client_id, ACUSE_OAUTH_GOOGLE_CLIENT_SECRET: client_secret,
    ACUSE_OAUTH_GOOGLE_SMTP: `smtps://localhost:${smtp_port}`, ACUSE_EXTRA_CA_FILE: ca, ACUSE_ALLOWED_PRIVATE_HOSTS: 'localhost',
  };
  const stop = () => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { settings, stop };
}

/** A mail server that thinks before each of its answers: the demo's own behind a wait of `ms`. Answers its port and stop(). */
export async function slowMailServer(port, ms) {
  const open = new Set();
  const server = createServer((client) => {
    const real = connect(port, '127.0.0.1');
    for (const one of [client, real]) open.add(one.on('error', () => {}).on('close', () => open.delete(one)));
    client.pipe(real);
    real.on('data', (bytes) => setTimeout(() => client.writable && client.write(bytes), ms));
    real.on('end', () => setTimeout(() => client.end(), ms));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const stop = () => {
    server.close();
    for (const one of open) one.destroy();
  };
  return { port: server.address().port, stop };
}

async function answers(url) {
  const until = Date.now() + START;
  while (Date.now() < until) {
    if ((await fetch(url).catch(() => null))?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  fail(`${url} did not answer`);
}

export const openBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

/** A fresh visitor. What the browser complains about (script errors, refused styles, failed loads) gathers in `page.complaints`. */
export async function visitor(browser, demo, { script = true, width = 1280, height = 800, scheme = 'light' } = {}) {
  const context = await browser.newContext({
    baseURL: demo.url, ignoreHTTPSErrors: true, viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: script, locale: 'es-EC', timezoneId: 'America/Guayaquil', reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) page.complaints.push(`${message.text()} ${message.location().url}`); });
  page.on('pageerror', (error) => page.complaints.push(error.message));
  return page;
}

export async function login(page, demo) {
  await page.goto('/entrar');
  await page.getByLabel('Correo').fill(demo.email);
  await page.getByLabel('Contraseña').fill(demo.password);
  await page.getByRole('button', { name: 'Entrar' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/entrar'));
}

/** Everything that GET `path` of API v1 lists. */
export async function list(demo, path) {
  const found = [];
  let next = null;
  do {
    const url = new URL(`${demo.url}/api/v1${path}`);
    url.searchParams.set('limit', '50');
    if (next) url.searchParams.set('after', next);
    const answer = await fetch(url, { headers: { authorization: `Bearer ${demo.token}` } });
    if (!answer.ok) fail(`GET ${url.pathname}: ${answer.status} ${await answer.text()}`);
    const page = await answer.json();
    found.push(...page.data);
    next = page.next;
  } while (next);
  return found;
}

/** One line per finding. Taken as tall as the page: what a sticky bar covers before scrolling is not a small target. */
export async function axe(page) {
  const view = page.viewportSize();
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: view.width, height: Math.max(view.height, tall) });
  const devtools = await page.context().newCDPSession(page); // beside the page's policy, not through it
  await devtools.send('Runtime.evaluate', { expression: AXE });
  const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
  await page.setViewportSize(view);
  return violations.flatMap(({ id, help, nodes }) => nodes.slice(0, 4).map((node) => `axe ${id}: ${help}: ${node.target.join(' ')} ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`));
}

/** The whole page as a picture in `folder`, the tabs and bars at its end. */
export async function screenshot(page, folder, name) {
  mkdirSync(folder, { recursive: true });
  const view = page.viewportSize();
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: view.width, height: Math.max(view.height, tall) });
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.setViewportSize(view);
}

export const argument = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
