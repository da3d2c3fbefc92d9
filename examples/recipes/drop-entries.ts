import { shazbotGetServerList } from 'clustershazbot'
import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'
import { liveInCluster } from './life.js'

const app = express()
app.use(shazbotMiddleware())

/** A secret that only the servers of this program have. */
const SECRET = process.env.DROP_SECRET ?? 'change-me'
const cache = new Map<string, string>()
let reads = 0

app.get('/settings/:name', (request, response) => {
  const { name } = request.params
  const setting = cache.get(name) ?? `Setting ${name}, read ${++reads} times`
  cache.set(name, setting)
  response.type('text').send(setting)
})

app.put('/settings/:name', async (request, response) => {
  // Store the new value first: a server that drops the entry reads it again.
  response.json({ unreached: await dropEverywhere(request.params.name) })
})

app.delete('/cached-settings/:name', (request, response) => {
  if (request.get('authorization') !== SECRET) return response.sendStatus(401)
  cache.delete(request.params.name)
  response.sendStatus(204)
})

/** Has all servers, this one included, drop an entry. Returns the URLs of those not reached. */
async function dropEverywhere(name: string) {
  const { online } = shazbotGetServerList()
  const outcomes = await Promise.all(
    online.map(async ({ baseUrl }) => {
      const url = new URL(`cached-settings/${encodeURIComponent(name)}`, baseUrl)
      const options = { headers: { authorization: SECRET }, signal: AbortSignal.timeout(1_000) }
      const answer = await fetch(url, { method: 'DELETE', ...options }).catch(() => undefined)
      return { baseUrl, isDropped: answer?.ok }
    }),
  )
  return outcomes.filter(({ isDropped }) => !isDropped).map(({ baseUrl }) => baseUrl)
}

const server = app.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
