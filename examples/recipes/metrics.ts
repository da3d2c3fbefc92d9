import { createServer } from 'node:http'
import { shazbotHandler } from 'clustershazbot/node'
import { shazbotPromClient } from 'clustershazbot/prom-client'
import { collectDefaultMetrics, register } from 'prom-client'
import { liveInCluster } from './life.js'

collectDefaultMetrics()
shazbotPromClient()

const answerCluster = shazbotHandler()
const server = createServer((request, response) => {
  answerCluster(request, response, async () => {
    if (request.url !== '/metrics') return response.writeHead(404).end()
    response.setHeader('Content-Type', register.contentType)
    response.end(await register.metrics())
  })
})
server.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
