import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { shazbotHandler } from 'clustershazbot/node'
import { liveInCluster } from './life.js'

const secure = {
  cert: readFileSync('tls.crt'),
  key: readFileSync('tls.key'),
  ca: readFileSync('ca.crt'),
  requestCert: true,
  rejectUnauthorized: false,
}
const answerCluster = shazbotHandler({ requireClientCertificate: true, matchHost: true })

const server = createServer(secure, (request, response) => {
  answerCluster(request, response, () => response.end('Hello'))
})
server.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
