// A Node service doing the work of `acuse bench receipt` with the usual parts: each payment and its delivery in one
// durable transaction, its receipt by pdfkit, sent by nodemailer over 10 connections, its outcome durable again.
// Arguments: the port of the mail server, the number of payments, the database's file. Prints receipts a second as JSON.

import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import nodemailer from "nodemailer";
import { paper, receipt as draw } from "./receipt.mjs";

const CONNECTIONS = 10;

const [port, payments, file] = process.argv.slice(2);
const assets = paper();
const receipt = JSON.parse(readFileSync(new URL("./receipts/ordinary.json", import.meta.url), "utf8"));
const db = open(file);
const record = db.transaction(recordPayment);
const accept = db.prepare("UPDATE delivery SET state = 'accepted', reply = ? WHERE id = ?");
const mailer = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), secure: false, ignoreTLS: true, pool: true, maxConnections: CONNECTIONS, maxMessages: 100,
});
await send(await prepared(0));

const begun = performance.now();
let next = 0;
await Promise.all(Array.from({ length: CONNECTIONS }, work));
const seconds = (performance.now() - begun) / 1000;
mailer.close();
console.log(JSON.stringify({ per_second: Math.round(Number(payments) / seconds) }));

async function work() {
  while (next < Number(payments)) {
    next += 1;
    const mail = await prepared(next);
    const sent = await send(mail);
    accept.run(sent.response, mail.delivery);
  }
}

async function prepared(index) {
  const facts = { ...receipt, number: `RC-${String(index).padStart(6, "0")}` };
  return { delivery: record(facts), facts, pdf: await draw(facts, assets) };
}

function send({ facts, pdf }) {
  const lines = facts.lines.map((line) => `<tr><td>${line.method}</td><td>${line.reference ?? ""}</td><td>${line.amount}</td></tr>`);
  return mailer.sendMail({
    from: { name: facts.company.legal_name, address: "cobros@acuse.example" },
    to: "pagos@cliente.example",
    subject: `Recibo de cobro a cliente ${facts.number} por USD ${facts.money}`,
    text: `Registramos su pago ${facts.number} por USD ${facts.money}.`,
    html: `<p>Registramos su pago ${facts.number} por USD ${facts.money}.</p><table>${lines.join("")}</table>`,
    attachments: [{ filename: `Recibo-${facts.number}.pdf`, content: pdf, contentType: "application/pdf" }],
  });
}

function open(path) {
  const opened = new Database(path);
  opened.pragma("journal_mode = WAL");
  opened.pragma("synchronous = FULL");
  opened.exec(`
    CREATE TABLE payment (id INTEGER PRIMARY KEY, number TEXT NOT NULL, receipt TEXT NOT NULL);
    CREATE TABLE payment_line (payment INTEGER NOT NULL, method TEXT NOT NULL, amount TEXT NOT NULL);
    CREATE TABLE allocation (payment INTEGER NOT NULL, document TEXT NOT NULL, amount TEXT NOT NULL);
    CREATE TABLE delivery (id INTEGER PRIMARY KEY, payment INTEGER NOT NULL, state TEXT NOT NULL, reply TEXT);`);
  return opened;
}

function recordPayment(facts) {
  const insert = (sql, ...values) => db.prepare(sql).run(...values).lastInsertRowid;
  const payment = insert("INSERT INTO payment (number, receipt) VALUES (?, ?)", facts.number, JSON.stringify(facts));
  for (const line of facts.lines) {
    insert("INSERT INTO payment_line VALUES (?, ?, ?)", payment, line.method, line.amount);
  }
  for (const paid of facts.allocations) {
    insert("INSERT INTO allocation VALUES (?, ?, ?)", payment, paid.number, paid.amount);
  }
  return insert("INSERT INTO delivery (payment, state) VALUES (?, 'queued')", payment);
}
