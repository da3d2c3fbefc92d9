// A program as users of version 1 wrote it: types and values in one import, three hand-written
// routes, every error answered with 401. It must keep running without a change.

import {
  type ControlMessage,
  type GossipMessage,
  shazbotControlRequest,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'
import express from 'express'

const app = express()
app.use(express.json())

shazbotStart().catch(console.error)

app.post('/clustershazbot/gossip', async (req, res) => {
  try {
    const answer = await shazbotGossipRequest(req.headers.authorization || '', req.body as GossipMessage)
    res.json(answer)
  } catch (err) {
    res.status(401).json({ error: err.message })
  }
})

app.get('/clustershazbot/list', async (req, res) => {
  try {
    const list = await shazbotListRequest(req.headers.authorization || '')
    res.json(list)
  } catch (err) {
    res.status(401).json({ error: err.message })
  }
})

app.post('/clustershazbot/control', async (req, res) => {
  try {
    await shazbotControlRequest(req.headers.authorization || '', req.body as ControlMessage)
    res.json({ success: true })
  } catch (err) {
    res.status(401).json({ error: err.message })
  }
})

const server = app.listen(Number(process.env.PORT), '127.0.0.1')

async function leave() {
  await shazbotShutDown()
  server.close()
}
process.on('SIGINT', leave)
process.on('SIGTERM', leave)
