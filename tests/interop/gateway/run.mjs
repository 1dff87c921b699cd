// Helia needs Node 22.19 or later: takes the one at hand if it is, else the one that came as a package.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = name => fileURLToPath(new URL(name, import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
const packaged = here(`node_modules/node-${process.platform}-${process.arch}/bin/node`)
const fits = major > 22 || (major === 22 && minor >= 19)
if (!fits && !existsSync(packaged)) {
  console.error(`Node 22.19 or later is needed, this is ${process.versions.node}, and no package brings one for this machine.`)
  process.exit(1)
}
const run = spawnSync(fits ? process.execPath : packaged, [here('check.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exit(run.status ?? 1)
