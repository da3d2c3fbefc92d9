import {
  type ControlMessage,
  type GossipMessage,
  shazbotControlRequest,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'
import express, { type ErrorRequestHandler } from 'express'

const app = express()
app.use(express.json())

app.post('/clustershazbot/gossip', async (request, response) => {
  const authorization = request.headers.authorization ?? ''
  response.json(await shazbotGossipRequest(authorization, request.body as GossipMessage))
})

app.get('/clustershazbot/list', async (request, response) => {
  response.json(await shazbotListRequest(request.headers.authorization ?? ''))
})

app.post('/clustershazbot/control', async (request, response) => {
  await shazbotControlRequest(request.headers.authorization ?? '', request.body as ControlMessage)
  response.json({ success: true })
})

// Wrong secret: 401. Invalid message: 400. Not started: 503. `error.status` has the number.
const answerErrors: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(error.status ?? 500).json({ error: error.message })
}
app.use(answerErrors)

const server = app.listen(Number(process.env.PORT ?? 3000))

// Rejects only if an environment variable is invalid; network errors never stop a server.
shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await shazbotShutDown()
    server.close()
  })
}
