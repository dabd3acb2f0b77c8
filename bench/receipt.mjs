// The receipt's page as somebody would write it with pdfkit: the same texts and fonts, rules and logo, and plain tables.

import { readFileSync } from "node:fs";
import PDFDocument from "pdfkit";

const MM = 72 / 25.4;
const LEFT = 20 * MM;
const RIGHT = 595.28 - 20 * MM;
const FLOOR = 841.89 - 25 * MM;
const METHODS = {
  cash: "Efectivo", check: "Cheque", transfer: "Transferencia", deposit: "Depósito",
  card: "Tarjeta", offset: "Cruce", withholding: "Retención", advance: "Anticipo usado",
};
const DOCUMENTS = {
  invoice: "Factura", sales_note: "Nota de venta", settlement: "Liquidación de compra",
  debit_note: "Nota de débito", credit_note: "Nota de crédito",
};

/** Fonts and logo, read once. */
export function paper() {
  const font = (name) => readFileSync(new URL(`../web/dist/fonts/AcuseSans-${name}.ttf`, import.meta.url));
  return {
    regular: font("Regular"),
    semibold: font("Semibold"),
    logo: readFileSync(new URL("./receipts/logo.png", import.meta.url)),
  };
}

/** The receipt as a PDF's bytes. */
export function receipt(facts, { regular, semibold, logo }) {
  const doc = new PDFDocument({ size: "A4", margin: 0, lang: "es-EC", tagged: true, info: { Title: facts.number } });
  const chunks = [];
  doc.on("data", (chunk) => chunks.push(chunk));
  const done = new Promise((resolve) => doc.on("end", () => resolve(Buffer.concat(chunks))));
  doc.registerFont("regular", regular);
  doc.registerFont("semibold", semibold);
  letterhead(doc, facts, logo);
  let y = whoAndHowMuch(doc, facts, 62 * MM);
  y = table(doc, y, "Forma de cobro", [40, 43, 39, 23, 25], ["Forma", "Banco o caja", "Número", "Fecha", "Valor USD"],
    [...facts.lines.map(line), ["Suma", "", "", "", money(facts.total)]]);
  y = table(doc, y + 6 * MM, "Documentos cobrados", [43, 21, 26.5, 26.5, 26.5, 26.5],
    ["Documento", "Emisión", "Total", "Saldo anterior", "Abono", "Saldo"],
    [...facts.allocations.map(paid), ["Suma", "", "", "", money(facts.allocated), money(facts.balance)]]);
  closing(doc, facts, y + 6 * MM);
  doc.end();
  return done;
}

function letterhead(doc, facts, logo) {
  const { company } = facts;
  doc.image(logo, LEFT, 17 * MM, { fit: [52 * MM, 20 * MM] });
  say(doc, "semibold", 12, company.trade_name ?? company.legal_name, LEFT, 40 * MM);
  say(doc, "regular", 8, `${company.legal_name} · RUC ${company.ruc}`, LEFT, 45.5 * MM);
  say(doc, "regular", 8, [company.address, company.phone, company.email].filter(Boolean).join(" · "), LEFT, 49.5 * MM);
  const axis = RIGHT - 62 * MM;
  say(doc, "semibold", 14, "Recibo de cobro a cliente", axis, 17 * MM);
  say(doc, "semibold", 12, facts.number, axis, 24 * MM);
  say(doc, "regular", 9, `${company.city ?? ""}, ${day(facts.date)}`, axis, 30 * MM);
  rule(doc, 56 * MM, 0.9);
}

function whoAndHowMuch(doc, facts, y) {
  const { contact } = facts;
  say(doc, "regular", 8, "Recibimos de", LEFT, y);
  say(doc, "semibold", 11, contact.name, LEFT, y + 4 * MM);
  say(doc, "regular", 9, `${contact.identification_type.toUpperCase()} ${contact.identification}`, LEFT, y + 9.5 * MM);
  say(doc, "regular", 9, contact.address ?? "", LEFT, y + 13.5 * MM);
  say(doc, "regular", 8, "Valor recibido", RIGHT - 62 * MM, y);
  say(doc, "semibold", 20, `USD ${money(facts.money)}`, RIGHT - 62 * MM, y + 4 * MM);
  say(doc, "regular", 9, `SON: ${facts.in_words}`, LEFT, y + 19 * MM);
  return y + 27 * MM;
}

function table(doc, top, name, widths, heads, rows) {
  let y = top;
  say(doc, "semibold", 10, name, LEFT, y);
  y = row(doc, y + 6 * MM, widths, heads, "regular", 8);
  rule(doc, y - 1 * MM, 0.7);
  rows.forEach((cells, index) => {
    if (y > FLOOR) {
      doc.addPage();
      y = row(doc, 20 * MM, widths, heads, "regular", 8);
      rule(doc, y - 1 * MM, 0.7);
    }
    y = row(doc, y, widths, cells, index === rows.length - 1 ? "semibold" : "regular", 9);
  });
  rule(doc, y - 1 * MM, 0.4);
  return y;
}

function row(doc, y, widths, cells, font, size) {
  let x = LEFT;
  cells.forEach((text, index) => {
    const width = widths[index] * MM;
    if (text) {
      doc.font(font).fontSize(size).text(text, x, y, { width, align: index > 1 && index >= widths.length - 4 ? "right" : "left", lineBreak: false });
    }
    x += width;
  });
  return y + 6 * MM;
}

function closing(doc, facts, top) {
  let y = top;
  if (y > FLOOR - 50 * MM) {
    doc.addPage();
    y = 20 * MM;
  }
  say(doc, "regular", 9, `Anticipo a favor del cliente: USD ${money(facts.unapplied)}`, LEFT, y);
  if (facts.description) {
    doc.font("regular").fontSize(9).text(facts.description, LEFT, y + 6 * MM, { width: 110 * MM });
  }
  for (const [who, x] of [[facts.prepared_by ?? "", LEFT], ["Recibí conforme", RIGHT - 62 * MM]]) {
    doc.moveTo(x, y + 36 * MM).lineTo(x + 55 * MM, y + 36 * MM).lineWidth(0.4).stroke();
    say(doc, "regular", 8, who, x, y + 38 * MM);
  }
  say(doc, "regular", 7.5, "No es un documento tributario del SRI.", LEFT, 841.89 - 14 * MM);
}

function line(one) {
  const name = [METHODS[one.method], one.tax].filter(Boolean).join(" ");
  return [name, [one.bank, one.account].filter(Boolean).join(" "), one.reference ?? "–", one.date ? day(one.date) : "–", money(one.amount)];
}

function paid(one) {
  return [`${DOCUMENTS[one.kind]} ${one.number}`, day(one.issue_date), money(one.total), money(one.previous_balance), money(one.amount), money(one.balance)];
}

function say(doc, font, size, text, x, y) {
  doc.font(font).fontSize(size).text(text, x, y, { lineBreak: false });
}

function rule(doc, y, width) {
  doc.moveTo(LEFT, y).lineTo(RIGHT, y).lineWidth(width).stroke();
}

function day(text) {
  return text.split("-").reverse().join("/");
}

function money(text) {
  const [whole, cents] = text.split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ".")},${cents}`;
}
