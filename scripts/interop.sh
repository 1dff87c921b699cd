#!/usr/bin/env bash
# Runs every independent check under tests/interop: each folder is an npm project whose `npm test` exits 0 only if it agrees.
set -euo pipefail
cd "$(dirname "$0")/.."
# The gateway's check runs real nodes: built as the tests are, so that `make test` compiles nothing twice.
if [ -z "${YILIAN:-}" ]; then
  cargo test --workspace --locked --no-run
  export YILIAN=$PWD/target/debug/yilian
fi
for package in tests/interop/*/package.json; do
  [ -e "$package" ] || continue
  dir=$(dirname "$package")
  echo "Interop: $dir"
  (cd "$dir" && { [ -e node_modules/.package-lock.json ] || npm ci --silent --no-audit --no-fund; } && npm test --silent)
done
