// A real mail server for the walks: STARTTLS on its port, with a certificate of an authority made for the occasion, a
// login, and an answer each time only after `thinks` ms. What it takes is kept in `messages`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

export const LOGIN = { user: 'cobros@empresa.example', password: 'clave de prueba', everyday: 'la de siempre' };

/** A certificate for 127.0.0.1 and the authority that signed it, as PEM files in a folder of their own. */
export function makeCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'acuse-e2e-ca-'));
  const at = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  writeFileSync(at('leaf.ext'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n');
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=Prueba', '-keyout', at('ca.key'), '-out', at('ca.pem'), '-addext', 'keyUsage=critical,keyCertSign');
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=127.0.0.1', '-keyout', at('leaf.key'), '-out', at('leaf.csr'));
  openssl('x509', '-req', '-in', at('leaf.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('leaf.ext'), '-out', at('leaf.pem'));
  return { ca: at('ca.pem'), key: readFileSync(at('leaf.key')), cert: readFileSync(at('leaf.pem')), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** `port`: one that the system gives, or the one that a walk is about. */
export async function mailServer({ key, cert }, thinks = 0, port = 0) {
  const open = new Set();
  const messages = [];
  const closed = [];
  const server = createServer((socket) => {
    open.add(socket);
    const began = Date.now();
    socket.on('error', () => {}).on('close', () => {
      open.delete(socket);
      closed.push(Date.now() - began);
    });
    talk(socket, { key, cert }, thinks, messages);
  });
  await new Promise((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
  const stop = () => {
    server.close();
    for (const one of open) one.destroy();
  };
  return { port: server.address().port, messages, open, closed, stop };
}

/** One conversation; after STARTTLS it goes on behind the lock. */
function talk(socket, pair, thinks, messages, secured = false) {
  let text = '';
  let message = null;
  let queue = Promise.resolve();
  const say = (words) => (queue = queue.then(() => new Promise((done) => setTimeout(() => socket.writable ? socket.write(`${words}\r\n`, done) : done(), thinks))));
  const hear = (bytes) => {
    text += bytes;
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      if (message !== null && line !== '.') message += `${line}\r\n`;
      else if (message !== null) [message] = [null, messages.push(message), say('250 2.0.0 Ok: queued as 4F1C2')];
      else answer(line);
    }
  };
  const answer = (line) => {
    const [verb, ...rest] = line.split(' ');
    switch (verb.toUpperCase()) {
      case 'EHLO': return say(secured ? '250-correo.empresa.example\r\n250 AUTH PLAIN' : '250-correo.empresa.example\r\n250 STARTTLS');
      case 'STARTTLS': return say('220 2.0.0 Ready to start TLS').then(() => {
        socket.removeListener('data', hear);
        talk(new TLSSocket(socket, { isServer: true, ...pair }).on('error', () => {}), pair, thinks, messages, true);
      });
      case 'AUTH': return say(verdict(rest[1]));
      case 'DATA': message = ''; return say('354 End data with <CR><LF>.<CR><LF>');
      case 'QUIT': return say('221 2.0.0 Bye').then(() => socket.end());
      default: return say(secured ? '250 2.1.0 Ok' : '530 5.7.0 Must issue a STARTTLS command first');
    }
  };
  socket.on('data', hear);
  if (!secured) say('220 correo.empresa.example ESMTP');
}

/** Right, wrong, or the everyday password where an app password is wanted. */
function verdict(answer) {
  const [, user, password] = Buffer.from(answer ?? '', 'base64').toString().split('\0');
  if (user === LOGIN.user && password === LOGIN.password) return '235 2.7.0 Authentication successful';
  if (password === LOGIN.everyday) return '534-5.7.9 Application-specific password required. For more information, go to\r\n534 5.7.9  https://support.example/mail/?p=InvalidSecondFactor';
  return '535 5.7.8 Error: authentication failed';
}
