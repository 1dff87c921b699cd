#!/usr/bin/env bash
# Founds the chain that compose.yaml runs: keys, genesis, TLS certificates, settings and network.json, below a folder.
# Each step is what an institution does on its own machine; here one person does all of them.
#   deploy/ceremony.sh [FOLDER]        default: deploy/data beside this file; YILIAN names the command (default: yilian)
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")" && pwd)
data=${1:-$here/data}
yilian=${YILIAN:-yilian}
nodes=4
subnet=172.30.77

[ ! -e "$data" ] || { echo "$data exists; a chain is founded once" >&2; exit 1; }
mkdir -p "$data"

# The authority: root, intermediate, store. Its passphrase is drawn here and must be kept elsewhere, too.
mkdir -p "$data/authority"
head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$data/authority/passphrase"
urls=()
for i in $(seq $nodes); do urls+=(--node "https://$subnet.1$i:8080"); done
made=$("$yilian" authority init --json --dir "$data/authority" --name "Consortium" --listen 0.0.0.0:8090 \
  --passphrase-file "$data/authority/passphrase" "${urls[@]}")
key=$(sed -n 's/.*"key": *"\([0-9a-f]*\)".*/\1/p' <<< "$made")
member=$(sed -n 's/.*"member": *"\([0-9a-f]*\)".*/\1/p' <<< "$made")
# The file lies in the folder that the container sees under another path.
sed -i 's#^passphrase_file = .*#passphrase_file = "passphrase"#' "$data/authority/authority.toml"

# Every institution: its validator's key. Peers come below, since keys must be known first.
validators=()
for i in $(seq $nodes); do
  made=$("$yilian" node init --json --dir "$data/node-$i" --http 0.0.0.0:8080 --p2p 0.0.0.0:9000 \
    --metrics 127.0.0.1:9180 --authority "$key")
  validators+=("$(sed -n 's/.*"validator": *"\([0-9a-f]*\)".*/\1/p' <<< "$made")")
done

# The genesis, from everybody's public keys; everybody gets it.
"$yilian" authority genesis --config "$data/authority" --name yilian-compose "${validators[@]/#/--validator=}" > "$data/genesis.txt"
chain=$(sed -n 's/^Chain \([0-9a-f]*\)$/\1/p' "$data/genesis.txt")
cp "$data/authority/genesis.bin" "$data/genesis.bin"

for i in $(seq $nodes); do
  dir=$data/node-$i
  cp "$data/genesis.bin" "$dir/genesis.bin"
  sed -i '/^peers = \[\]$/d' "$dir/node.toml"
  for other in $(seq $nodes); do
    [ "$other" = "$i" ] || printf '\n[[peers]]\nkey = "%s"\naddress = "%s.1%s:9000"\n' "${validators[other - 1]}" "$subnet" "$other" >> "$dir/node.toml"
  done
  # TLS: the node asks, the authority certifies, the node takes it.
  "$yilian" node tls request --config "$dir" --host localhost --host "node-$i" --host "$subnet.1$i" > /dev/null
  "$yilian" authority tls issue "$dir/tls.request" --out "$dir/issued.pem" --config "$data/authority" > /dev/null
  "$yilian" node tls install --config "$dir" "$dir/issued.pem" > /dev/null
  rm "$dir/issued.pem"
done
"$yilian" authority tls own --config "$data/authority" --host localhost --host authority --host "$subnet.10" > /dev/null

# What clients on this machine read.
{
  printf '{\n  "chain": "%s",\n  "name": "yilian-compose",\n  "genesis": "genesis.bin",\n  "nodes": [\n' "$chain"
  for i in $(seq $nodes); do
    comma=$([ "$i" = "$nodes" ] || echo ,)
    printf '    { "url": "https://localhost:808%s", "validator": "%s" }%s\n' "$i" "${validators[i - 1]}" "$comma"
  done
  printf '  ],\n  "authority": { "url": "https://localhost:8090", "member": "%s" }\n}\n' "$member"
} > "$data/network.json"
rm "$data/genesis.txt"
echo "Founded chain $chain in $data."
echo "Move $data/authority/root.key to a medium that is kept offline, and keep copies of the passphrase and of every validator.key."
