// One server of the demo: an ordinary Express 5 program, started by cluster.js with its
// environment.

import {
  shazbotControlRequest,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'
import { shazbotWatch } from 'clustershazbot/events'
import express from 'express'

const app = express()
app.use(express.json())

app.post('/clustershazbot/gossip', async (request, response) => {
  response.json(await shazbotGossipRequest(request.headers.authorization ?? '', request.body))
})
app.get('/clustershazbot/list', async (request, response) => {
  response.json(await shazbotListRequest(request.headers.authorization ?? ''))
})
app.post('/clustershazbot/control', async (request, response) => {
  await shazbotControlRequest(request.headers.authorization ?? '', request.body)
  response.json({ success: true })
})
app.use((error, _request, response, _next) => {
  response.status(error.status ?? 500).json({ error: error.message })
})

/** Tells the demo what changes in the list of this server. */
async function tellChanges() {
  for await (const { news } of shazbotWatch()) {
    if (process.connected) process.send(news.map(({ server, state }) => [server.baseUrl, state]))
  }
}
tellChanges()

const server = app.listen(Number(process.env.PORT), '127.0.0.1')
shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

// The channel closes when the demo ends, for any reason, so no server outlives it.
const exitAtOnce = () => process.exit()
process.once('disconnect', exitAtOnce)

async function leave() {
  await shazbotShutDown()
  server.close()
  process.off('disconnect', exitAtOnce)
  if (process.connected) process.disconnect()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, leave)
