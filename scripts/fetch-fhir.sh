#!/usr/bin/env bash
# Fetches HL7's published FHIR R4 examples and International Patient Summary examples from npm, checks their digests and
# unpacks what the demo and the tests read. Usage: fetch-fhir.sh FOLDER
set -euo pipefail
out=${1:?folder}
fetch() { # package, version, sha256, glob, folder
  local dir="$out/$5" stamp="$out/$5/.$3" tmp
  [ -e "$stamp" ] && return
  echo "Fetching $1 $2"
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' RETURN
  (cd "$tmp" && npm pack --silent "$1@$2" >/dev/null 2>&1) || { echo "Could not fetch $1 $2 from npm; check the network and try again." >&2; exit 1; }
  echo "$3  $tmp/$1-$2.tgz" | sha256sum --check --quiet || { echo "$1 $2 is not the package this project was written against." >&2; exit 1; }
  rm -rf "$dir" && mkdir -p "$dir"
  tar xzf "$tmp/$1-$2.tgz" -C "$dir" --strip-components "$6" --wildcards "$4"
  touch "$stamp"
}
fetch hl7.fhir.r4.examples 4.0.1 dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682 'package/Bundle-*.json' r4 1
fetch hl7.fhir.uv.ips 2.0.0 4a5cff17580f869140614ac51097d81540c63644d550ced8d4cd9b9bce7345c4 'package/example/Bundle-*.json' ips 2
