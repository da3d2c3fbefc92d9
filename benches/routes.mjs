/** What the routes for operators cost the main thread. */

import http from 'node:http'
import { rowsBySize } from './support/by-size.mjs'
import { Child } from './support/child.mjs'
import { row } from './support/row.mjs'

export const title = 'Routes for operators'
export const about =
  'The main-thread CPU time of one request for the status, with everything that Node.js does for a request, beside ' +
  'that of a request for a probe. And that of a change of one server, above that of the same change without streams.'

const SIZES = [10, 1_000, 10_000]
/** Microseconds of the main thread for a status with 1,000 servers. */
const MAX_STATUS = 2_000
const STREAMS = 100

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const times = quick ? 3 : 15
  return rowsBySize(SIZES, progress, async (input) => {
    const program = new URL('./routes/server.mjs', import.meta.url)
    const server = await Child.start(program, input, ['--expose-gc'])
    try {
      return await measureServer(server, { servers: input.servers, times })
    } finally {
      server.end()
    }
  })
}

async function measureServer(server, { servers, times }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const costs = async (path) => {
    const numbers = []
    for (let time = 0; time < times; time++)
      numbers.push(await cost(server, 20, () => get(server.first, path, agent)))
    return numbers
  }
  const wanted = servers === 1_000 ? { of: 'value', most: MAX_STATUS } : undefined
  const rows = [
    row({ name: 'a probe', servers, numbers: await costs('live') }),
    row({ name: 'the status', servers, numbers: await costs('status'), wanted }),
  ]
  const changes = async () => {
    const numbers = []
    for (let time = 0; time < times; time++) numbers.push(await cost(server, 20, () => server.ask('change')))
    return numbers
  }
  const bare = await changes()
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(server.first)))
  const told = await changes()
  for (const stream of streams) stream.destroy()
  agent.destroy()
  const name = `a change that ${STREAMS} streams tell`
  return [...rows, row({ name, servers, numbers: told.map((number, index) => number - bare[index]) })]
}

/** The main thread's CPU time of one of several calls, in µs. */
async function cost(server, calls, call) {
  const before = await server.ask('cpu')
  for (let count = 0; count < calls; count++) await call()
  return ((await server.ask('cpu')) - before) / calls
}

function get(port, path, agent) {
  return new Promise((resolve, reject) => {
    const url = `http://127.0.0.1:${port}/clustershazbot/${path}`
    http
      .get(url, { agent, headers: { Authorization: 'secret' } }, (response) => {
        response.resume().once('end', resolve)
      })
      .once('error', reject)
  })
}

/** Resolves once the stream has told the present. */
function openStream(port) {
  return new Promise((resolve, reject) => {
    const options = { agent: false, headers: { Authorization: 'secret' } }
    const outgoing = http.get(`http://127.0.0.1:${port}/clustershazbot/watch`, options, (response) => {
      response.on('data', (text) => text.includes('event: status') && resolve(outgoing))
      response.on('error', () => {})
    })
    outgoing.once('error', reject)
  })
}
