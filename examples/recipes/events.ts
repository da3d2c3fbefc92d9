import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type ShazbotNews,
  shazbotEvents,
  shazbotSettled,
  shazbotStatus,
  shazbotWatch,
} from 'clustershazbot/events'
import { shazbotHandler } from 'clustershazbot/node'
import { liveInCluster } from './life.js'

/** The base URLs of the other servers that are online. */
const peers = new Set<string>()

function apply({ self, state, server }: ShazbotNews) {
  if (self) return
  if (state === 'online' || state === 'suspect') peers.add(server.baseUrl)
  else peers.delete(server.baseUrl)
}

async function followPeers() {
  for await (const { news } of shazbotWatch()) {
    news.forEach(apply)
    // Whatever takes time here holds up nobody; the next change has all that came meanwhile.
    await pause(10)
  }
}

shazbotEvents.on('down', ({ server, cause }) => console.warn(`${server.baseUrl} is down (${cause})`))
shazbotEvents.on('status', ({ phase, online, isolated }) => console.log({ phase, online, isolated }))

async function logSettled() {
  const { online } = await shazbotSettled({ quiet: 500, atLeast: 2 })
  console.log(`the view has settled on ${online} servers`)
}

const answerCluster = shazbotHandler()
const server = createServer((request, response) => {
  answerCluster(request, response, () => {
    response.end(JSON.stringify({ peers: [...peers], ...shazbotStatus() }))
  })
})
server.listen(Number(process.env.PORT ?? 3000))
followPeers()
logSettled()
liveInCluster(() => server.close())
