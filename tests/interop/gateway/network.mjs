// A network of real node processes, in a temporary folder, which it takes with it when it ends.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const yilian = process.env.YILIAN ?? fileURLToPath(new URL('../../../target/debug/yilian', import.meta.url))

export async function yilianJson (...args) {
  const { stdout } = await promisify(execFile)(yilian, [...args, '--json'], { maxBuffer: 1 << 24 })
  return JSON.parse(stdout)
}

export class Network {
  static async start (validators) {
    const folder = await mkdtemp(join(tmpdir(), 'yilian-interop-'))
    const dir = join(folder, 'net')
    const base = 20000 + Math.floor(Math.random() * 10000)
    const args = ['network', 'up', '--dir', dir, '--validators', String(validators), '--base-port', String(base), '--json']
    const process = spawn(yilian, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const network = Object.assign(new Network(), { folder, dir, process })
    try {
      network.nodes = (await firstDocument(process)).nodes
    } catch (error) {
      await network.stop()
      throw error
    }
    return network
  }

  config (index) {
    return join(this.dir, 'validators', String(index + 1))
  }

  put (index, file) {
    return yilianJson('content', 'put', '--config', this.config(index), file)
  }

  async stop () {
    if (this.process.exitCode === null) {
      this.process.kill('SIGTERM')
      await once(this.process, 'exit')
    }
    await rm(this.folder, { recursive: true, force: true })
  }
}

// What the command prints once everything serves.
async function firstDocument (process) {
  let text = ''
  for await (const part of process.stdout) {
    text += part
    try {
      return JSON.parse(text)
    } catch { /* not all of it yet */ }
  }
  throw new Error('the network did not start')
}
