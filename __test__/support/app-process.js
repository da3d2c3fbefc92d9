'use strict'

/**
 * The program of app.js: the three routes as in version 1's README, on node's own http. Errors of
 * gossip and control are a 401, of the list a 500; bodies over the limit a 413. Through a channel,
 * a test calls the package's functions directly, and gets changes of the list and costs.
 */

const http = require('node:http')

const {
  modulePath,
  start = true,
  listenLate = false,
  host = '127.0.0.1',
  port = 0,
  bodyLimit = 100 * 1024,
} = JSON.parse(process.env.APP_SETTINGS)
const shazbot = require(modulePath)

const routes = {
  'POST /clustershazbot/gossip': {
    errorStatus: 401,
    handle: (authorization, body) => shazbot.shazbotGossipRequest(authorization, body),
  },
  'GET /clustershazbot/list': {
    errorStatus: 500,
    handle: (authorization) => shazbot.shazbotListRequest(authorization),
  },
  'POST /clustershazbot/control': {
    errorStatus: 401,
    handle: async (authorization, body) => {
      await shazbot.shazbotControlRequest(authorization, body)
      return { success: true }
    },
  },
}

// The bytes of accepted connections. All requests between servers use one of them.
const traffic = { received: 0, sent: 0 }
const sockets = new Set()

function count(socket) {
  traffic.received += socket.bytesRead
  traffic.sent += socket.bytesWritten
}

function usage() {
  const open = { received: 0, sent: 0 }
  for (const { bytesRead, bytesWritten } of sockets) {
    open.received += bytesRead
    open.sent += bytesWritten
  }
  const { user, system } = process.cpuUsage()
  return {
    received: traffic.received + open.received,
    sent: traffic.sent + open.sent,
    cpu: (user + system) / 1_000,
    memory: process.memoryUsage.rss(),
  }
}

let ownPort
let watching
let online = new Set()

/** Reports the changes of the list since the last call. */
function look() {
  const at = Date.now()
  const now = new Set(shazbot.shazbotGetServerList().online.map(({ baseUrl }) => baseUrl))
  const come = [...now].filter((baseUrl) => !online.has(baseUrl))
  const gone = [...online].filter((baseUrl) => !now.has(baseUrl))
  online = now
  if (come.length + gone.length > 0) process.send({ kind: 'change', at, come, gone })
}

const server = http.createServer(async (request, response) => {
  const { status, value } = await answer(request)
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(value))
})

server.on('connection', (socket) => {
  sockets.add(socket)
  socket.once('close', () => {
    sockets.delete(socket)
    count(socket)
  })
})

async function answer(request) {
  const route = routes[`${request.method} ${request.url}`]
  if (!route) return { status: 404, value: { error: 'Not found' } }
  const text = await readBody(request)
  if (text === undefined) return { status: 413, value: { error: 'request entity too large' } }
  let body
  try {
    body = text === '' ? {} : JSON.parse(text)
  } catch {
    return { status: 400, value: { error: 'not JSON' } }
  }
  try {
    return { status: 200, value: await route.handle(request.headers.authorization || '', body) }
  } catch (error) {
    return { status: route.errorStatus, value: { error: error.message } }
  }
}

async function readBody(request) {
  let size = 0
  const chunks = []
  for await (const chunk of request) {
    size += chunk.length
    if (size <= bodyLimit) chunks.push(chunk)
  }
  return size > bodyLimit ? undefined : Buffer.concat(chunks).toString('utf8')
}

function listen(onPort) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(onPort, host, () => resolve(server.address().port))
  })
}

const commands = {
  call: ({ name, args }) => shazbot[name](...args),
  setEnv({ variables }) {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  },
  block({ milliseconds }) {
    const began = Date.now()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
    return { began, ended: Date.now() }
  },
  watch({ every }) {
    clearInterval(watching)
    watching = every ? setInterval(look, every).unref() : undefined
  },
  /** Reports what the events of the package tell from now on. */
  hear() {
    const { shazbotEvents } = require(`${modulePath}/js/events`)
    shazbotEvents.on('change', (change) => process.send({ kind: 'heard', change, received: Date.now() }))
  },
  status: () => require(`${modulePath}/js/events`).shazbotStatus(),
  metrics: () => require(`${modulePath}/js/metrics`).shazbotMetrics(),
  usage,
  leave() {
    clearInterval(watching)
    return shazbot.shazbotShutDown()
  },
  stopListening() {
    server.close()
    server.closeAllConnections()
  },
  listenAgain: async () => void (await listen(ownPort)),
  letGo() {
    server.close()
    server.closeAllConnections()
  },
}

process.on('message', async (message) => {
  const reply = { id: message.id }
  try {
    reply.value = await commands[message.kind](message)
  } catch (error) {
    reply.error = plain(error)
  }
  process.send(reply, () => {
    if (message.kind === 'leave') process.exit(0)
    if (message.kind === 'letGo') process.disconnect()
  })
})

// Without its parent, nothing would end this process.
process.on('disconnect', () => {
  if (server.listening) process.exit(1)
})

function plain(error) {
  const { name, message, stack, code, status, statusCode } = error
  return { name, message, stack, code, status, statusCode, isError: error instanceof Error }
}

async function main() {
  ownPort = listenLate ? port : await listen(port)
  const baseUrl = `http://${host}:${ownPort}/`
  process.env.SHAZBOT_BASE_URL ??= baseUrl
  const ready = { kind: 'ready', port: ownPort, baseUrl }
  try {
    ready.began = Date.now()
    if (start) await shazbot.shazbotStart()
    ready.answered = Date.now()
  } catch (error) {
    ready.error = plain(error)
  }
  if (listenLate) await listen(port)
  process.send(ready)
}

main()
