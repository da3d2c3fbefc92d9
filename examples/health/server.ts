import { createServer } from 'node:http'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotHandler } from 'clustershazbot/node'

const answerCluster = shazbotHandler({ health: true })

const server = createServer((request, response) => {
  answerCluster(request, response, () => response.end('Hello'))
})
server.listen(Number(process.env.PORT ?? 3000))

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
