#!/usr/bin/env bash
# Sees to it that the tools are there; installs Debian packages only where that can be done without asking.
set -euo pipefail
missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need cc gcc
need make make
need tar tar
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
  else
    echo "Please install: ${missing[*]}" >&2
    exit 1
  fi
fi
for tool in cargo node npm; do
  command -v "$tool" >/dev/null 2>&1 || { echo "Please install $tool (Rust 1.95 or later, Node 20 or later)." >&2; exit 1; }
done
want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
have=$(rustc --version | sed 's/rustc \([0-9.]*\).*/\1/')
if [ "$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)" != "$want" ]; then
  echo "Rust $want or later is needed; this is $have." >&2
  exit 1
fi
