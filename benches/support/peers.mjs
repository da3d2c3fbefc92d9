/**
 * The other servers of a cluster, in one process. Every path below `/legacy/` or `/native/{size}/`
 * is a server that answers, so that no engine declares one dead. Native ones prove themselves and
 * sign. Its first message is its address.
 */

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { SECRET } from './settings.mjs'

const require = createRequire(import.meta.url)
const signing = require('../../__test__/support/signing.js')

const { stamp, incarnation } = JSON.parse(process.argv[2])
const GOSSIP = 'clustershazbot/gossip'
const LIST = 'clustershazbot/list'
/** The process number of all native servers. */
const PROCESS = 0xf00dn

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const baseUrl = `http://${request.headers.host}${request.url.replace(GOSSIP, '').replace(LIST, '')}`
  const online = [{ baseUrl, monitor: false, lastUpdate: stamp }]
  const [, servers] = /\/native\/(\d+)\//.exec(baseUrl) ?? []
  const { authorization } = request.headers
  response.writeHead(200, { 'Content-Type': 'application/json' })
  if (request.url.endsWith(LIST))
    return response.end(JSON.stringify({ online, proof: servers && proofOf(baseUrl, authorization) }))
  const answer = { message: 'gossip', online, offline: [] }
  if (servers && signing.isSigned(authorization)) {
    const { v2 } = JSON.parse(Buffer.concat(chunks))
    Object.assign(answer, { online: [], v2: signedResponse(baseUrl, Number(servers), authorization, v2) })
  }
  response.end(JSON.stringify(answer))
})

function proofOf(baseUrl, authorization) {
  const nonce = signing.readChallenge(authorization)
  return nonce && signing.prove(nonce, { baseUrl, process: PROCESS }, SECRET)
}

function signedResponse(baseUrl, servers, authorization, payload) {
  const self = { baseUrl, process: PROCESS }
  const request = signing.verifyRequest(authorization, self, payload, SECRET)
  const response = nativeResponse(baseUrl, servers, signing.decode(payload))
  return signing.signResponse(self, request, signing.encode(response), SECRET)
}

/** Agrees with every sender, or returns the roster on request. */
function nativeResponse(baseUrl, servers, { kind, living, hash }) {
  const common = { me: claim(baseUrl), id: PROCESS.toString(16), living, hash }
  if (kind !== 'sync') return { ...common, kind: 'push' }
  const urlOf = (index) => baseUrl.replace(/\d+\/$/, `${index}/`)
  return { ...common, kind, claims: Array.from({ length: servers }, (_, index) => claim(urlOf(index))) }
}

function claim(baseUrl) {
  return [baseUrl, 'alive', incarnation, stamp, 0]
}

server.listen(0, '127.0.0.1', () => process.send(`http://127.0.0.1:${server.address().port}/`))
process.on('disconnect', () => process.exit())
