// A DNS server on loopback that knows a few names, so that pages about a domain show the same everywhere.
import { createSocket } from 'node:dgram';

const TYPES = { A: 1, MX: 15, TXT: 16 };
const NXDOMAIN = 3;

/** `zone`: { 'empresa.ec': { MX: [[1, 'smtp.google.com']], TXT: ['v=spf1 -all'], A: ['192.0.2.1'] } }. Answers address and stop(). */
export async function dnsServer(zone) {
  const socket = createSocket('udp4');
  socket.on('message', (asked, { port, address }) => socket.send(answer(asked, zone), port, address));
  await new Promise((done) => socket.bind(0, '127.0.0.1', done));
  return { address: `127.0.0.1:${socket.address().port}`, stop: () => socket.close() };
}

function answer(asked, zone) {
  const { labels, end } = nameAt(asked, 12);
  const name = labels.join('.').toLowerCase();
  const kind = Object.keys(TYPES).find((one) => TYPES[one] === asked.readUInt16BE(end));
  const values = zone[name]?.[kind] ?? [];
  const exists = Object.keys(zone).some((known) => known === name || known.endsWith(`.${name}`));
  const head = Buffer.alloc(12);
  asked.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (exists ? 0 : NXDOMAIN), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(values.length, 6);
  return Buffer.concat([head, asked.subarray(12, end + 4), ...values.map((value) => record(TYPES[kind], data(kind, value)))]);
}

function nameAt(message, start) {
  const labels = [];
  let at = start;
  while (message[at] > 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  return { labels, end: at + 1 };
}

/** Its name points back at the question's (RFC 1035 4.1.4). */
function record(type, bytes) {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, 0]);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

function data(kind, value) {
  if (kind === 'A') return Buffer.from(value.split('.').map(Number));
  if (kind === 'MX') return Buffer.concat([Buffer.from([0, value[0]]), written(value[1])]);
  const pieces = value.match(/.{1,255}/gs) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.concat([Buffer.from([piece.length]), Buffer.from(piece, 'latin1')])));
}

const written = (name) => Buffer.concat([...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])), Buffer.from([0])]);
