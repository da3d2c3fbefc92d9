'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { test } = require('node:test')
const { startAdapterServer } = require('../support/adapter-server')
const { aWhileAgo, entry } = require('../support/entries')
const { postGossip, request } = require('../support/http')

const OUTSIDER = path.join(__dirname, '..', 'support', 'outsider.js')
const VISITS = 200
const MOST_GROWTH_MB = 200

/**
 * Median and maximum time that a visitor may wait, in ms; the outsider runs on the same machine.
 */
const USUAL = 250
const WORST = 5_000

test('an outsider that floods the routes delays neither visitors nor peers, and costs little memory', async (t) => {
  const server = await startAdapterServer(t, 'express 5')
  const online = Array.from({ length: 20_000 }, (_, index) =>
    entry(`http://127.0.0.1:9/${'x'.repeat(40)}/${index}/`, aWhileAgo()),
  )
  await postGossip(server.baseUrl, { online })
  const before = (await server.usage()).current

  const outsider = spawn(process.execPath, [OUTSIDER, String(server.port)], { stdio: 'ignore' })
  t.after(() => outsider.kill('SIGKILL'))
  const waits = []
  for (let visit = 0; visit < VISITS; visit++) {
    const from = performance.now()
    assert.equal((await request(`${server.baseUrl}page`)).status, 404)
    waits.push(performance.now() - from)
    if (visit % 50 === 0) assert.equal((await postGossip(server.baseUrl, {})).status, 200)
  }
  assert.equal(outsider.exitCode, null)
  const { highest } = await server.usage()
  waits.sort((a, b) => a - b)
  const [usual, worst] = [waits[VISITS / 2], waits.at(-1)]
  t.diagnostic(`a visitor waited ${usual.toFixed(1)} ms, at worst ${worst.toFixed()} ms`)
  t.diagnostic(`RSS grew by ${Math.round(highest - before)} MB`)
  assert.ok(usual <= USUAL, `${usual} ms`)
  assert.ok(worst <= WORST, `${worst} ms`)
  assert.ok(highest - before <= MOST_GROWTH_MB, `${highest - before} MB`)
})
