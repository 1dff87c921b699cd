// Recomputes the roots of spec/vectors/dag.json with the JavaScript importer; `--print` shows them instead.
import { readFileSync } from 'node:fs'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const vectors = JSON.parse(readFileSync(new URL('../../../spec/vectors/dag.json', import.meta.url)))
const nowhere = { async put (cid) { return cid }, async get () { throw new Error('nothing is stored') } }
const options = {
  cidVersion: 1,
  rawLeaves: true,
  reduceSingleLeafToSelf: true,
  chunker: fixedSize({ chunkSize: 262144 }),
  layout: balanced({ maxChildrenPerNode: 174 })
}

function * content (length) {
  for (let start = 0; start < length; start += 262144) {
    const part = new Uint8Array(Math.min(262144, length - start))
    for (let k = 0; k < part.length; k++) {
      const i = start + k
      part[k] = (i * 31 + (i >>> 8) * 17) % 256
    }
    yield part
  }
}

let failed = 0
for (const { bytes, root } of vectors.roots) {
  let last
  for await (const entry of importer([{ content: content(bytes) }], nowhere, options)) last = entry.cid.toString()
  if (process.argv.includes('--print')) console.log(bytes, last)
  else if (last !== root) { failed += 1; console.error(`${bytes} bytes: importer ${last}, vector ${root}`) }
}
if (failed > 0) process.exit(1)
console.log(`${vectors.roots.length} roots checked`)
