import { shazbotMiddleware } from 'clustershazbot/express'
import { shazbotOwner, shazbotOwns } from 'clustershazbot/owners'
import express from 'express'
import { liveInCluster } from './life.js'

const app = express()
app.use(shazbotMiddleware())

const SENT_ON = { 'x-sent-on': 'true' }
const cache = new Map<string, string>()

app.get('/users/:id', async (request, response) => {
  const { id } = request.params
  // A server that sends a request on may have another list. It is not sent on twice.
  const text = request.get('x-sent-on') ? undefined : await askOwner(id)
  response.type('text').send(text ?? readUser(id))
})

/** Asks the owner of a user. Undefined if this server is the owner, or the owner has just gone. */
async function askOwner(id: string) {
  const key = `user:${id}`
  const owner = shazbotOwns(key) ? undefined : shazbotOwner(key)
  if (!owner) return undefined
  const url = new URL(`users/${encodeURIComponent(id)}`, owner.baseUrl)
  const signal = AbortSignal.timeout(1_000)
  const answer = await fetch(url, { headers: SENT_ON, signal }).catch(() => undefined)
  return answer?.ok ? answer.text() : undefined
}

/** Reads a user from the cache. A real program limits the cache, and reads from a database. */
function readUser(id: string) {
  const user = cache.get(id) ?? `User ${id}, read by process ${process.pid}`
  cache.set(id, user)
  return user
}

const server = app.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
