// What pdfkit prints of the same receipts with the same fonts, one after the other: receipts a second, as one line of JSON.

import { readFileSync } from "node:fs";
import { receipt as draw, paper } from "./receipt.mjs";

const MEASURED_MS = 3000;

const assets = paper();
const rates = {};
for (const name of ["simple", "ordinary", "long"]) {
  const receipt = JSON.parse(readFileSync(new URL(`./receipts/${name}.json`, import.meta.url), "utf8"));
  await draw(receipt, assets);
  const begun = performance.now();
  let count = 0;
  while (performance.now() - begun < MEASURED_MS) {
    count += 1;
    await draw({ ...receipt, number: `RC-${String(count).padStart(6, "0")}` }, assets);
  }
  rates[name] = Math.round((count * 1000) / (performance.now() - begun));
}
console.log(JSON.stringify(rates));
