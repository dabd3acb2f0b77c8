#!/usr/bin/env bash
# Fuzzes what reads a mail server's words: scripts/fuzz.sh [seconds], on one core. With the ordinary stable Rust: the flags are
# those of `cargo fuzz run -s none`, for who has no cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
host=$(rustc -vV | sed -n 's/^host: //p')
# Only for the target: build scripts and macros must not be instrumented, so --target is named.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares"
corpus=fuzz/corpus/replies
mkdir -p "$corpus"
# The replies that the tests know are a good beginning.
if [ -z "$(ls -A "$corpus")" ]; then
  grep -oE '"[2-5][0-9]{2}[ -][^"]*"' crates/mail/tests/it/replies.rs | tr -d '"' | awk -v to="$corpus" '{ file = to "/known-" NR; printf "%c%s", 65 + NR % 12, $0 > file; close(file) }'
fi
exec cargo run --quiet --locked --manifest-path fuzz/Cargo.toml --target "$host" --bin replies -- \
  -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 -artifact_prefix=fuzz/ "$corpus"
