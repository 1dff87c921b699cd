#!/usr/bin/env bash
# All benchmarks, one after the other: Markdown on standard output, target/bench/report.json for machines.
# The machine should have nothing else to do; the first line says how busy it was.
set -euo pipefail
command -v cmake >/dev/null 2>&1 && command -v c++ >/dev/null 2>&1 || {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq cmake g++
  else
    echo "Please install cmake and a C++ compiler: mcl, the library compared with, is built from source." >&2
    exit 1
  fi
}
out=target/bench
mkdir -p "$out"
cargo build --release --locked --bin yilian
cargo build --release --locked -p yilian-finality --example light_client
cargo build --release --locked --manifest-path bench/Cargo.toml
bench/target/release/yilian-bench --json "$out/libraries.json"
target/release/examples/light_client --json "$out/light-client.json"
echo "### Load, four validators"
echo
echo '```'
target/release/yilian measure --rates "${RATES:-100,500,1000}" --content-mib 1 --report "$out/load.json"
echo '```'
python3 - "$out" <<'END'
import json, pathlib, sys
out = pathlib.Path(sys.argv[1])
parts = {name: json.loads((out / f"{name}.json").read_text()) for name in ("libraries", "light-client", "load")}
(out / "report.json").write_text(json.dumps(parts, indent=2))
END
echo "For machines: $out/report.json"
