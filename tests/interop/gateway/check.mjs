// Real nodes, and Helia's verified fetch against their gateway: a 300 MB object by its address, one that lies at another
// node, and bits flipped on the way.
import { createCipheriv, createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { withHTTP } from '@helia/http'
import { createVerifiedFetch } from '@helia/verified-fetch'
import { uriToMultiaddr } from '@multiformats/uri-to-multiaddr'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import { flipping } from './flip.mjs'
import { Network } from './network.mjs'

const MB = 1000 * 1000
const LARGE = Number(process.env.INTEROP_MB ?? 300) * MB
// Of the time, a safeguard only.
const LIMIT = 120_000

// Writes so many bytes that do not repeat; gives their SHA-256.
async function write (path, bytes, seed) {
  const stream = createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16))
  const hash = createHash('sha256')
  const zeros = Buffer.alloc(4 * MB)
  const file = await open(path, 'w')
  for (let left = bytes; left > 0; left -= zeros.length) {
    const part = stream.update(zeros.subarray(0, Math.min(left, zeros.length)))
    hash.update(part)
    await file.write(part)
  }
  await file.close()
  return hash.digest('hex')
}

// Says of everything that this one gateway has it.
function router (gateway) {
  const id = CID.createV1(0x0920, identity.digest(new TextEncoder().encode(gateway)))
  const protocols = ['transport-ipfs-gateway-http']
  const provider = { id, multiaddrs: [uriToMultiaddr(gateway)], protocols, router: 'one-gateway' }
  return { name: 'one-gateway', capabilities: () => [], async * findProviders () { yield provider } }
}

async function client (gateway) {
  const local = { delegatedRouters: [], recursiveGateways: [], allowInsecure: true, allowLocal: true }
  const helia = withHTTP(createHeliaLight({ routers: [router(gateway)] }), local)
  await helia.start()
  return { fetch: await createVerifiedFetch(helia), stop: () => helia.stop() }
}

// The bytes as they come, hashed and counted.
async function get (gateway, cid, limit = LIMIT) {
  const { fetch, stop } = await client(gateway)
  const seen = { bytes: 0 }
  try {
    const response = await fetch(`ipfs://${cid}`, { signal: AbortSignal.timeout(limit) })
    if (!response.ok) return { ...seen, error: new Error(`status ${response.status}: ${await response.text()}`) }
    const hash = createHash('sha256')
    for await (const part of response.body) {
      hash.update(part)
      seen.bytes += part.length
    }
    return { ...seen, hash: hash.digest('hex') }
  } catch (error) {
    return { ...seen, error }
  } finally {
    await stop()
  }
}

function check (so, text) {
  if (!so) throw new Error(text)
}

async function checks (network) {
  const [one, two] = network.nodes
  const large = join(network.folder, 'large')
  const hash = await write(large, LARGE, 1)
  const stored = await network.put(0, large)
  const began = performance.now()
  const got = await get(one, stored.cid)
  check(got.hash === hash && got.bytes === LARGE, `${LARGE} bytes came as ${JSON.stringify(got)}: ${got.error}`)
  const seconds = (performance.now() - began) / 1000
  console.log(`${LARGE / MB} MB by address in ${seconds.toFixed(1)} s, hash as stored`)

  const small = join(network.folder, 'small')
  const expected = await write(small, 3 * MB, 2)
  const { cid } = await network.put(0, small)
  const through = await get(two, cid)
  check(through.hash === expected, `through the other node: ${through.error}`)
  console.log('3 MB through a node that does not have them, hash as stored')

  const root = await flipping(one, asked => asked === cid)
  const refused = await get(root.url, cid, 20_000)
  check(refused.error !== undefined && refused.bytes === 0, 'a root with a flipped bit was taken')
  check(root.answers() > 0, 'the gateway in the middle was not asked')
  await root.stop()

  let leaves = 0
  const leaf = await flipping(one, asked => asked !== cid && ++leaves === 5)
  const cut = await get(leaf.url, cid, 20_000)
  const whole = cut.hash === expected
  // Asked again, an honest answer may come: then the bytes are right. Never wrong ones.
  check(leaves >= 5, 'the flipped leaf was never asked for')
  check(whole || (cut.error !== undefined && cut.bytes < 3 * MB), `a leaf with a flipped bit was taken: ${cut.hash}`)
  await leaf.stop()

  let flipped
  const stubborn = await flipping(one, asked => asked !== cid && (flipped ??= asked) === asked)
  const never = await get(stubborn.url, cid, 20_000)
  check(never.error !== undefined && never.hash === undefined, 'a leaf whose bits are always flipped was taken')
  await stubborn.stop()
  console.log('flipped bits refused: in the root, in a leaf once, in a leaf always')
}

const network = await Network.start(2)
try {
  await checks(network)
} finally {
  await network.stop()
}
process.exit(0)
