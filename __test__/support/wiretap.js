'use strict'

const { SECRET } = require('./environment')
const { request } = require('./http')
const { createScriptedServer } = require('./scripted-server')
const signing = require('./signing')

/**
 * An HTTP proxy that records every exchange. Its requests go to the ports in turn, each over a new
 * connection, so that it is a load balancer in front of several.
 *
 * @param {import('node:test').TestContext} t the proxy is closed when this test ends
 * @param {...number} ports
 *
 * @typedef {{port: number, method: string, path: string, authorization: string, text: string, json: any,
 *   began: number, status?: number, answer?: any, ended?: number}} Exchange `port` received the request;
 *   `json` and `answer` are the parsed bodies; `began` and `ended` by performance.now()
 */
async function createWiretap(t, ...ports) {
  /** @type {Exchange[]} */
  const exchanges = []
  let turn = 0
  const proxy = await createScriptedServer(t, async ({ method, path, headers, text, json }) => {
    if (tap.isCut) return (response) => response.destroy()
    const port = ports[turn++ % ports.length]
    const { authorization = '' } = headers
    const exchange = { port, method, path, authorization, text, json, began: performance.now() }
    exchanges.push(exchange)
    try {
      const { status, text: body, json: answer } = await send(exchange)
      Object.assign(exchange, { status, answer, ended: performance.now() })
      return { status, headers: { 'Content-Type': 'application/json' }, body }
    } catch {
      // The server behind it does not run.
      return (response) => response.destroy()
    }
  })
  const tap = {
    exchanges,
    /** The ports; more may be added. */
    ports,
    /** True: all requests fail. */
    isCut: false,
    get baseUrl() {
      return `${proxy.origin}/`
    },
    /** The recorded gossip requests with a signature. */
    get signed() {
      return exchanges.filter(isSigned)
    },
    get challenges() {
      return exchanges.filter(({ authorization }) => signing.readChallenge(authorization))
    },
    /** The recorded requests with the raw gossip secret. */
    get raw() {
      return exchanges.filter(({ authorization }) => authorization === SECRET)
    },
    /**
     * The recorded gossip messages without a signature from processes that had sent an accepted one
     * before. At a first contact, a late proof is a reason for the raw secret.
     */
    get relapses() {
      const accepted = tap.signed.filter(isAccepted)
      const isLater = (one) =>
        accepted.some((other) => other.ended < one.began && processOf(other) === one.json.v2.id)
      return exchanges.filter((one) => !isSigned(one) && one.json?.v2?.id && isLater(one))
    },
  }
  return tap
}

/** Sends a recorded request, again or to another port; resolves with the response. */
function send({ port, method, path, authorization, text }) {
  const headers = { Authorization: authorization, 'Content-Type': 'application/json' }
  const body = method === 'GET' ? undefined : text
  return request(`http://127.0.0.1:${port}${path}`, { method, headers, body })
}

const isSigned = ({ authorization }) => signing.isSigned(authorization)

const isAccepted = ({ status }) => status === 200

/** The base URL in the header of a signed message. */
const senderOf = ({ authorization }) => authorization.split('.').slice(8).join('.')

/** The id of the key in the header of a signed message. */
const keyIdOf = ({ authorization }) => authorization.split('.')[1]

/** The number of the sending process in the header of a signed message, as in extensions. */
const processOf = ({ authorization }) => signing.readProcess(authorization.split('.')[2]).toString(16)

/** Whether a signed message is for any process behind its URL. */
const isForGroup = ({ authorization }) => authorization.split('.')[3].startsWith('c')

module.exports = { createWiretap, send, isSigned, isAccepted, senderOf, keyIdOf, processOf, isForGroup }
