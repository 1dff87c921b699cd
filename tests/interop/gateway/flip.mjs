// A gateway in the middle that flips one bit of one block, and counts what was asked.
import { createServer } from 'node:http'

export async function flipping (gateway, which) {
  let answers = 0
  const server = createServer(async (request, response) => {
    const answer = await fetch(gateway + request.url, { headers: { accept: request.headers.accept ?? '*/*' } })
    const block = new Uint8Array(await answer.arrayBuffer())
    answers += 1
    const cid = request.url.match(/\/ipfs\/([a-z0-9]+)/)?.[1]
    if (answer.ok && which(cid)) block[block.length >> 1] ^= 1
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/octet-stream' })
    response.end(block)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    answers: () => answers,
    stop: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections() })
  }
}
