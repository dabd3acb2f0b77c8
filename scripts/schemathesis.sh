#!/usr/bin/env bash
# Asks a demo's API everything that /openapi.json allows and much that it does not, with a token of every scope and with one that
# only reads: scripts/schemathesis.sh BINARY [SECONDS] [SEED], so many seconds each.
# Ends with 1 where an answer is 5xx, undocumented, or of another shape than documented. What it may not complain of, and why,
# stands in docs/api-design.md, "Under schemathesis".
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh

binary=$(realpath "$1")
seconds=${2:-30}
seed=${3:-1}
config=$PWD/scripts/schemathesis.toml

# What it is made of is pinned by hash; another list is another folder.
pinned=scripts/schemathesis.txt
venv=${XDG_CACHE_HOME:-$HOME/.cache}/acuse/schemathesis-$(sha256sum "$pinned" | cut -c1-12)
if [ ! -x "$venv/bin/schemathesis" ]; then
  need python3=python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv=python3-venv
  say "Preparando schemathesis (unos 30 segundos)"
  rm -rf "$venv"
  python3 -m venv "$venv"
  if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$pinned"; then
    # crates/server/tests/it/api/as_documented.rs asks every call too, and needs nothing from outside.
    rm -rf "$venv"
    echo "sin schemathesis: no se pudo traer de PyPI"
    exit 0
  fi
fi

folder=$(mktemp -d)
trap 'kill "$demo" 2>/dev/null || true; rm -rf "$folder"' EXIT
# Its calls are as many as it can make, and no name leads out of this machine: nothing listens at port 9 (RFC 863).
export ACUSE_API_RATE=0 ACUSE_API_RATE_WITHOUT_TOKEN=0 ACUSE_DNS_SERVERS=127.0.0.1:9 ACUSE_LISTEN=127.0.0.1:0
"$binary" demo --json --data-dir "$folder/data" >"$folder/demo" 2>"$folder/log" &
demo=$!
for _ in $(seq 300); do
  [ -s "$folder/demo" ] && break
  kill -0 "$demo" || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$folder/demo"; }
# The company of the demo, which its own token opens.
company=$(curl -sf "$(value url)/api/v1/token" -H "Authorization: Bearer $(value token)" | sed -n 's/.*"ruc":"\([0-9]*\)".*/\1/p')

failed=
for scopes in read,record,send,configure read; do
  say "API: schemathesis con un token para $scopes, $seconds s"
  # Whoever only reads is refused most of what the document allows.
  checks=()
  [ "$scopes" = read ] && checks=(--exclude-checks positive_data_acceptance)
  token=$(ACUSE_DATA_DIR="$folder/data" "$binary" token create --company "$company" --name schemathesis --scopes "$scopes" 2>/dev/null)
  # What it notes for itself goes where it runs.
  (cd "$folder" && "$venv/bin/schemathesis" --config-file "$config" run "$(value url)/openapi.json" \
    --header "Authorization: Bearer $token" --seed "$seed" --max-time "$seconds" \
    --continue-on-failure --generation-database none "${checks[@]}") || failed=1
done
if grep -E 'ERROR|panicked' "$folder/log"; then failed=1; fi
[ -z "$failed" ]
