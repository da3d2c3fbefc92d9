'use strict'

/**
 * The Express program that runs on each platform. It has the three routes of
 * `docs/hand-written-routes.md`, and two more through which a test checks and ends it, because not
 * every rig forwards signals and pipes.
 */

const { readFileSync, writeFileSync } = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const path = require('node:path')
const express = require('express')

const from = performance.now()
const shazbot = require('clustershazbot')
const loadMs = performance.now() - from

const { PORT, SECURE, TEST_CERTIFICATE, TEST_KEY } = process.env
const app = express()
app.use(express.json())

app.post('/clustershazbot/gossip', async (req, res) => {
  res.json(await shazbot.shazbotGossipRequest(req.headers.authorization || '', req.body))
})

app.get('/clustershazbot/list', async (req, res) => {
  res.json(await shazbot.shazbotListRequest(req.headers.authorization || ''))
})

app.post('/clustershazbot/control', async (req, res) => {
  await shazbot.shazbotControlRequest(req.headers.authorization || '', req.body)
  res.json({ success: true })
})

let started = false

app.get('/status', (_req, res) => {
  const addons = Object.keys(require.cache).filter((name) => name.endsWith('.node'))
  const { version, platform, arch } = process
  res.json({ started, loadMs, version, platform, arch, addons: addons.map((name) => path.basename(name)) })
})

app.post('/end', async (_req, res) => {
  await shazbot.shazbotShutDown()
  res.set('Connection', 'close').json({ ended: true })
  server.close()
})

const server = SECURE
  ? https.createServer({ cert: readFileSync(TEST_CERTIFICATE), key: readFileSync(TEST_KEY) }, app)
  : http.createServer(app)
server.listen(Number(PORT), '127.0.0.1', async () => {
  await shazbot.shazbotStart()
  started = true
})

// The process must end by itself; this file distinguishes that from a crash.
process.on('exit', (code) => writeFileSync(path.join(__dirname, 'ended'), String(code)))
