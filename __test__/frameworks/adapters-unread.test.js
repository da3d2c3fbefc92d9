'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const http2 = require('node:http2')
const net = require('node:net')
const { describe, test } = require('node:test')
const { shazbotHandler } = require('clustershazbot/node')
const { HOSTS, listen } = require('../support/adapter-hosts')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually, withTimeout } = require('../support/eventually')
const { getList, readText, request } = require('../support/http')
const { shazbot, start } = require('../support/in-process')

const MB = 1024 * 1024

/**
 * The maximum cost of an unwanted body: 1 MB is read, and the system buffers some on both sides.
 */
const MOST_SENT = 16 * MB

/** More than the second for which a server reads on, to allow for a busy machine. */
const SOON = 10_000

/**
 * A connection to which the test writes; `closed` resolves with the error that ended it, if any.
 */
function connect(t, baseUrl, head) {
  const socket = net.connect(Number(new URL(baseUrl).port), '127.0.0.1')
  t.after(() => socket.destroy())
  const connection = { socket, text: '', error: undefined }
  socket.setEncoding('utf8').on('data', (text) => {
    connection.text += text
  })
  socket.on('error', (error) => {
    connection.error = error
  })
  connection.closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  return connection
}

const head = (method, route, authorization, ...headers) => [
  `${method} /clustershazbot/${route} HTTP/1.1`,
  'Host: a',
  `Authorization: ${authorization}`,
  'Content-Type: application/json',
  ...headers,
]

/** Writes a chunked body for as long as the connection accepts it. */
function writeForEver({ socket }) {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const frame = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  const writeOn = () => {
    while (!socket.destroyed && socket.write(frame));
  }
  socket.on('drain', writeOn)
  writeOn()
}

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`an unwanted body on ${name}`, () => {
    const CHUNKED = 'Transfer-Encoding: chunked'
    const endless = {
      'wrong secret': [head('POST', 'gossip', 'wrong', CHUNKED), 401],
      'wrong method': [head('POST', 'list', '', CHUNKED), 405],
      'a list request': [head('GET', 'list', '', CHUNKED), 200],
      'a HEAD request': [head('HEAD', 'list', '', CHUNKED), 200],
      'too long': [head('POST', 'control', CONTROL_SECRET, CHUNKED), 413],
    }
    for (const [what, [lines, status]] of Object.entries(endless)) {
      test(`is not read on: ${what}`, async (t) => {
        await start(t)
        const connection = connect(t, await host(t, { limit: MB }), lines)
        writeForEver(connection)
        await withTimeout(connection.closed, { within: SOON, what: 'the end of the connection' })
        assert.ok(connection.socket.bytesWritten - connection.socket.writableLength < MOST_SENT)
        if (connection.text) assert.match(connection.text, new RegExp(`^HTTP/1.1 ${status} `))
      })
    }

    test('is awaited for a second', async (t) => {
      await start(t)
      const lines = head('POST', 'gossip', 'wrong', 'Content-Length: 1000')
      const connection = connect(t, await host(t), lines)
      await eventually(() => connection.text.includes('\r\n\r\n{'), { what: 'the answer' })
      assert.match(connection.text, /^HTTP\/1.1 401 [\s\S]*\r\nConnection: close\r\n/i)
      await withTimeout(connection.closed, { within: SOON, what: 'the end of the connection' })
    })

    test('does not delay a response without bytes', async (t) => {
      await start(t)
      const lines = head('HEAD', 'list', '', 'Content-Length: 1000')
      const connection = connect(t, await host(t), lines)
      await withTimeout(connection.closed, { within: SOON, what: 'the end of the connection' })
      assert.match(connection.text, /^HTTP\/1.1 200 /)
    })

    test('does not prevent the response if it is small', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const body = Buffer.alloc(500_000, ' ')
      for (let round = 0; round < 5; round++) {
        const connection = connect(
          t,
          baseUrl,
          head('POST', 'gossip', 'wrong', `Content-Length: ${body.length}`),
        )
        connection.socket.write(body.subarray(0, 100_000))
        await eventually(() => connection.text.includes('SHAZBOT_SECRET'), { what: 'the answer' })
        connection.socket.write(body.subarray(100_000))
        await withTimeout(connection.closed, { within: SOON, what: 'the end of the connection' })
        assert.equal(connection.error, undefined)
      }
    })

    test('closes the connection after each rejection only', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const post = (headers, body = '{}') =>
        request(`${baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body })
      const json = { 'Content-Type': 'application/json' }
      const answers = [
        await post({ ...json, Authorization: 'wrong' }),
        await request(`${baseUrl}clustershazbot/gossip`),
        await post({ Authorization: SECRET, 'Content-Type': 'text/plain' }),
        await post({ ...json, Authorization: SECRET, 'Content-Length': 17 * MB }, ' '),
      ]
      await shazbot.shazbotShutDown()
      answers.push(await getList(baseUrl))
      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers.connection]),
        [401, 405, 415, 413, 503].map((status) => [status, 'close']),
      )
    })

    test('keeps the connection of a valid request', async (t) => {
      await start(t)
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      t.after(() => agent.destroy())
      const url = `${await host(t)}clustershazbot/list`
      const get = async () => {
        const outgoing = http.get(url, { agent })
        const [response] = await once(outgoing, 'response')
        await readText(response)
        return outgoing.reusedSocket
      }
      assert.deepEqual([await get(), await get()], [false, true])
    })
  })
}

test('another path without a handler is a 404 that closes the connection', async (t) => {
  await start(t)
  const baseUrl = await listen(t, http.createServer(shazbotHandler()))
  const { status, headers } = await request(baseUrl)
  assert.deepEqual([status, headers.connection], [404, 'close'])
})

test('over HTTP/2, the stream is reset after the response, and the session continues', async (t) => {
  await start(t)
  const server = http2.createServer(shazbotHandler())
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = http2.connect(`http://127.0.0.1:${server.address().port}`)
  t.after(() => {
    client.destroy()
    server.close()
  })
  for (let round = 0; round < 3; round++) {
    const stream = client.request({
      ':method': 'POST',
      ':path': '/clustershazbot/gossip',
      authorization: 'wrong',
    })
    stream.on('error', () => {})
    const chunk = Buffer.alloc(16 * 1024, ' ')
    const writeOn = () => {
      while (!stream.destroyed && !stream.closed && stream.write(chunk));
    }
    stream.on('drain', writeOn)
    writeOn()
    const [headers] = await once(stream, 'response')
    assert.equal(headers[':status'], 401)
    let text = ''
    stream.setEncoding('utf8').on('data', (part) => {
      text += part
    })
    await eventually(() => stream.closed, { within: SOON, what: 'the end of the stream' })
    assert.match(text, /SHAZBOT_SECRET/)
    assert.equal(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR)
  }
  assert.equal(client.closed, false)
})
