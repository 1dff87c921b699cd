#!/usr/bin/env bash
# Brings the lock files of bench/ and fuzz/ to the versions of the workspace, and says where the fuzzer no longer shares its
# builds of third-party crates.
set -euo pipefail
features() { cargo tree "$@" --target "$(rustc -vV | sed -n 's/host: //p')" --prefix none -f '{p} [{f}]' | sed 's/ (\*)//; s/ (proc-macro)//' | sort -u; }
for part in bench fuzz; do
  cp Cargo.lock "$part/Cargo.lock"
  (cd "$part" && cargo metadata --format-version 1 >/dev/null)
done
ours=$(mktemp) theirs=$(mktemp)
trap 'rm -f "$ours" "$theirs"' EXIT
features --workspace -e normal,build,dev >"$ours"
(cd fuzz && features -e normal,build,dev) >"$theirs"
echo "Third-party crates that the fuzzer builds for itself:"
comm -13 "$ours" "$theirs" | grep -v "$PWD" || echo none
