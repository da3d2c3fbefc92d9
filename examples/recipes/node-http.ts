import { createServer } from 'node:http'
import { shazbotHandler } from 'clustershazbot/node'
import { liveInCluster } from './life.js'

const answerCluster = shazbotHandler()
const server = createServer((request, response) => {
  answerCluster(request, response, () => {
    if (request.url !== '/') response.statusCode = 404
    response.end('Hello')
  })
})
server.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
