// What Acuse is made of, as CycloneDX 1.5 (ECMA-424): every crate that is linked into the binary or builds it, and every npm
// package of the pages. From Cargo.lock and web/package-lock.json, so that it is the same on every machine.
//   scripts/sbom.sh > acuse.cdx.json
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const run = (command, args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
const metadata = JSON.parse(run(process.env.CARGO || "cargo", ["metadata", "--locked", "--format-version", "1"]));
const lock = JSON.parse(readFileSync("web/package-lock.json", "utf8"));
const checksums = readChecksums(readFileSync("Cargo.lock", "utf8"));

const packages = new Map(metadata.packages.map((one) => [one.id, one]));
const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
const root = metadata.packages.find((one) => one.name === "acuse");
const crates = linked(root.id);
const npm = Object.entries(lock.packages).filter(([path, one]) => path && !one.dev);

const bom = {
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: {
    tools: { components: [{ type: "application", name: "scripts/sbom.mjs", version: root.version }] },
    component: crateComponent(root, "application"),
  },
  components: [
    ...[...crates].filter((id) => id !== root.id).map((id) => crateComponent(packages.get(id), "library")),
    ...npm.map(([path, one]) => npmComponent(nameOf(path), one)),
  ].sort(byRef),
  dependencies: [
    ...[...crates].map((id) => ({ ref: ref(packages.get(id)), dependsOn: needed(id).map((other) => ref(packages.get(other))).sort() })),
    ...npm.map(([path, one]) => ({ ref: npmRef(nameOf(path), one), dependsOn: [] })),
  ].sort(byRef),
};
check(bom);
process.stdout.write(JSON.stringify(bom, null, 2) + "\n");

// Everything that the package needs, tests left out.
function linked(start) {
  const found = new Set([start]);
  for (const id of found) needed(id).forEach((other) => found.add(other));
  return found;
}

function needed(id) {
  const runs = (dep) => dep.dep_kinds.some((kind) => kind.kind !== "dev");
  return [...new Set(nodes.get(id).deps.filter(runs).map((dep) => dep.pkg))];
}

function ref(one) {
  return `pkg:cargo/${one.name}@${encodeURIComponent(one.version)}`;
}

function crateComponent(one, type) {
  const sum = checksums.get(`${one.name} ${one.version}`);
  return {
    type,
    "bom-ref": ref(one),
    name: one.name,
    version: one.version,
    ...(one.description ? { description: one.description.trim() } : {}),
    ...(sum ? { hashes: [{ alg: "SHA-256", content: sum }] } : {}),
    // Older manifests put a stroke for OR.
    ...(one.license ? { licenses: [{ expression: one.license.replace(/\s*\/\s*/g, " OR ") }] } : {}),
    purl: ref(one),
    ...(one.repository ? { externalReferences: [{ type: "vcs", url: one.repository }] } : {}),
  };
}

function nameOf(path) {
  return path.split("node_modules/").pop();
}

function npmRef(name, one) {
  return `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(one.version)}`;
}

function npmComponent(name, one) {
  const [alg, sum] = (one.integrity ?? "").split("-");
  return {
    type: "library",
    "bom-ref": npmRef(name, one),
    name,
    version: one.version,
    scope: one.optional ? "optional" : "required",
    ...(alg === "sha512" ? { hashes: [{ alg: "SHA-512", content: Buffer.from(sum, "base64").toString("hex") }] } : {}),
    // An old name of npm's for what SPDX calls 0BSD.
    ...(one.license ? { licenses: [{ expression: one.license.replace("BSD-0-Clause", "0BSD") }] } : {}),
    purl: npmRef(name, one),
  };
}

function readChecksums(text) {
  const found = new Map();
  for (const [, name, version, sum] of text.matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g)) {
    found.set(`${name} ${version}`, sum);
  }
  return found;
}

function byRef(one, other) {
  const key = (of) => of["bom-ref"] ?? of.ref;
  return key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0;
}

// What readers of an SBOM rely on: each component once, with a version, a licence and a checksum, and no dependency on what is missing.
function check(bom) {
  const refs = new Set([bom.metadata.component["bom-ref"]]);
  for (const one of bom.components) {
    if (refs.has(one["bom-ref"])) throw new Error(`twice: ${one["bom-ref"]}`);
    refs.add(one["bom-ref"]);
    const isOurs = one.name.startsWith("acuse");
    if (!one.version || !one.licenses || (!isOurs && !one.hashes)) throw new Error(`incomplete: ${JSON.stringify(one)}`);
  }
  for (const { ref, dependsOn } of bom.dependencies) {
    for (const one of [ref, ...dependsOn]) if (!refs.has(one)) throw new Error(`${ref} needs ${one}, which is not there`);
  }
}
