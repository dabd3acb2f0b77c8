#!/usr/bin/env bash
# Asks a demo's API everything that /openapi.json allows and much that it does not: scripts/schemathesis.sh BINARY [SECONDS] [SEED].
# Ends with 1 where an answer is 5xx, undocumented, or of another shape than documented. What it may not complain of, and why,
# stands in docs/api-design.md, "Under schemathesis".
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
binary=$(realpath "$1")
seconds=${2:-120}
seed=${3:-1}
venv=${XDG_CACHE_HOME:-$HOME/.cache}/acuse/schemathesis-$VERSION
if [ ! -x "$venv/bin/schemathesis" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet "schemathesis==$VERSION"
fi

folder=$(mktemp -d)
trap 'kill "$demo" 2>/dev/null || true; rm -rf "$folder"' EXIT
# Its calls are as many as it can make.
ACUSE_LISTEN=127.0.0.1:0 ACUSE_API_RATE=0 ACUSE_API_RATE_WITHOUT_TOKEN=0 "$binary" demo --json >"$folder/demo" 2>"$folder/log" &
demo=$!
for _ in $(seq 300); do
  [ -s "$folder/demo" ] && break
  kill -0 "$demo" || { cat "$folder/log" >&2; exit 1; }
  sleep 0.2
done
value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$folder/demo"; }

# The token takes itself back by a DELETE of its own, which tests try one by one.
"$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run "$(value url)/openapi.json" \
  --header "Authorization: Bearer $(value token)" --seed "$seed" --max-time "$seconds" \
  --continue-on-failure --generation-database none
