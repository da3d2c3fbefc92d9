import { createServer } from 'node:http'
import { shazbotHandler } from 'clustershazbot/node'
import { fromNodeHandler, H3, toNodeHandler } from 'h3'
import { liveInCluster } from './life.js'

const app = new H3()
const answerCluster = shazbotHandler()
// Pass the handler itself: h3 waits for the answers of handlers that take three arguments.
app.all('/clustershazbot/**', fromNodeHandler(answerCluster))
app.get('/', () => 'Hello')

const server = createServer(toNodeHandler(app)).listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
