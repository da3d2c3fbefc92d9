import { createServer } from 'node:http'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotHandler } from 'clustershazbot/node'
import { greet } from './greeting.mjs'

const answerCluster = shazbotHandler()

const server = createServer((request, response) => {
  answerCluster(request, response, () => response.end(greet()))
})
server.listen(process.env.PORT ?? 3000)

shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

process.once('SIGTERM', async () => {
  await shazbotShutDown()
  server.close()
})
