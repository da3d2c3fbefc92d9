'use strict'

const http = require('node:http')
const https = require('node:https')
const { SECRET, CONTROL_SECRET } = require('./environment')

/**
 * Sends a request over a new connection; resolves with `{status, headers, text, json}` for any
 * status. `secure` has options for `https:` URLs.
 */
function request(url, { method = 'GET', headers = {}, body, timeout = 60_000, secure } = {}) {
  const options = { method, headers, agent: false, timeout, ...secure }
  const client = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const outgoing = client.request(url, options, async (response) => {
      try {
        const text = await readText(response)
        resolve({ status: response.statusCode, headers: response.headers, text, json: parsed(text) })
      } catch (error) {
        reject(error)
      }
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`No answer from ${url} within ${timeout} ms`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function readText(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function postJson(url, authorization, value) {
  const headers = { 'Content-Type': 'application/json', Authorization: authorization }
  return request(url, { method: 'POST', headers, body: JSON.stringify(value) })
}

/** Sends gossip to a server, like a peer. */
const postGossip = (baseUrl, { online = [], offline = [] }, secret = SECRET) =>
  postJson(`${baseUrl}clustershazbot/gossip`, secret, { message: 'gossip', online, offline })

/** Takes a server offline. */
const postDrain = (baseUrl, secret = CONTROL_SECRET) =>
  postJson(`${baseUrl}clustershazbot/control`, secret, { message: 'control', online: false })

/** Brings a drained server back online. */
const postReturn = (baseUrl, secret = CONTROL_SECRET) =>
  postJson(`${baseUrl}clustershazbot/control`, secret, { message: 'control', online: true })

const getList = (baseUrl, secret = CONTROL_SECRET) =>
  request(`${baseUrl}clustershazbot/list`, { headers: { Authorization: secret } })

module.exports = { request, readText, parsed, postJson, postGossip, postDrain, postReturn, getList }
