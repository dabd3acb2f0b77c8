#!/usr/bin/env bash
# Writes the software bill of materials to standard output: scripts/sbom.sh > acuse.cdx.json
set -euo pipefail
cd "$(dirname "$0")/.."
exec node scripts/sbom.mjs
