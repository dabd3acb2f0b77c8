#!/usr/bin/env bash
# Licences, sources, bans and known vulnerabilities of what others wrote: crates by cargo-deny (deny.toml), npm packages by npm audit.
# ./test --long calls it. Ends with 1 where something was found, and with 3 where a list of vulnerabilities cannot be reached: then
# nothing was looked for, which is said.
# ACUSE_ADVISORY_DB: a clone of RustSec's advisory-db, at the commit that one wants. Else the newest is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DENY=0.20.2
ADVISORIES=https://github.com/RustSec/advisory-db
unreachable=

tools=${ACUSE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/acuse/tools}
if ! "$tools/bin/cargo-deny" --version 2>/dev/null | grep -qx "cargo-deny $CARGO_DENY"; then
  echo "Instalando cargo-deny $CARGO_DENY en $tools: varios minutos la primera vez"
  cargo install --quiet --locked "cargo-deny@$CARGO_DENY" --root "$tools"
fi
deny() { "$tools/bin/cargo-deny" --locked "$@"; }

deny check --hide-inclusion-graph licenses sources bans

if [ -n "${ACUSE_ADVISORY_DB:-}" ]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$(realpath "$ACUSE_ADVISORY_DB").insteadOf" GIT_CONFIG_VALUE_0=$ADVISORIES
fi
if deny fetch db >/dev/null 2>&1; then
  deny check --hide-inclusion-graph advisories
else
  echo "La base de vulnerabilidades de RustSec no se alcanza desde aquí: los crates NO se compararon con ella" >&2
  unreachable=1
fi

found=$(cd web && npm audit --omit=dev --json 2>/dev/null) || true
if ! node -e 'process.exit(JSON.parse(process.argv[1] || "{}").metadata ? 0 : 1)' "$found" 2>/dev/null; then
  echo "El registro de npm no contesta por vulnerabilidades: sus paquetes NO se compararon" >&2
  unreachable=1
elif ! node -e 'process.exit(JSON.parse(process.argv[1]).metadata.vulnerabilities.total ? 1 : 0)' "$found"; then
  (cd web && npm audit --omit=dev) || exit 1
fi

[ -z "$unreachable" ] || exit 3
