/**
 * The other servers of a cluster, in one process. Every path below `/legacy/` or `/native/{size}/`
 * is a server that answers, so that no engine declares one dead. Its first message is its address.
 */

import { createServer } from 'node:http'

const { stamp, incarnation } = JSON.parse(process.argv[2])
const GOSSIP = 'clustershazbot/gossip'
const LIST = 'clustershazbot/list'

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const baseUrl = `http://${request.headers.host}${request.url.replace(GOSSIP, '').replace(LIST, '')}`
  const online = [{ baseUrl, monitor: false, lastUpdate: stamp }]
  response.writeHead(200, { 'Content-Type': 'application/json' })
  if (request.url.endsWith(LIST)) return response.end(JSON.stringify({ online }))
  const { v2 } = JSON.parse(Buffer.concat(chunks))
  const answer = { message: 'gossip', online, offline: [] }
  const [, servers] = /\/native\/(\d+)\//.exec(baseUrl) ?? []
  if (v2 && servers) Object.assign(answer, { online: [], v2: nativeResponse(baseUrl, Number(servers), v2) })
  response.end(JSON.stringify(answer))
})

/** Agrees with every sender, or returns the roster on request. */
function nativeResponse(baseUrl, servers, { kind, living, hash }) {
  const common = { me: claim(baseUrl), id: 'f00d', living, hash }
  if (kind !== 'sync') return { ...common, kind: 'push' }
  const urlOf = (index) => baseUrl.replace(/\d+\/$/, `${index}/`)
  return { ...common, kind, claims: Array.from({ length: servers }, (_, index) => claim(urlOf(index))) }
}

function claim(baseUrl) {
  return [baseUrl, 'alive', incarnation, stamp, 0]
}

server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}/`))
process.on('disconnect', () => process.exit())
