'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { shazbotDrain, shazbotResume } = require('clustershazbot/health')
const { counts } = require('../../js/requests/rejections')
const { HOSTS } = require('../support/adapter-hosts')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { prepare, shazbot, start } = require('../support/in-process')
const { hangingMasterList } = require('../support/hanging-master-list')

const OPTIONS = { health: true }

/** The responses of both probes, as `[status, body]`. */
async function probe(baseUrl) {
  const answers = []
  for (const name of ['ready', 'live']) {
    const { status, headers, text, json } = await request(`${baseUrl}clustershazbot/${name}`)
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
    answers.push([status, json])
  }
  return answers
}

/** What both probes answer in a phase. */
const unready = (phase, online) => [
  [503, { status: 'unavailable', phase, online }],
  [200, { status: 'ok', phase, online }],
]
const RUNNING = Array(2).fill([200, { status: 'ok', phase: 'running', online: 1 }])

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`probes with ${name}`, () => {
    test('follow the phases of the server', async (t) => {
      await start(t)
      const baseUrl = await host(t, OPTIONS)
      const before = counts()
      assert.deepEqual(await probe(baseUrl), RUNNING)
      shazbotDrain()
      assert.deepEqual(await probe(baseUrl), unready('drained', 0))
      shazbotResume()
      assert.deepEqual(await probe(baseUrl), RUNNING)
      await shazbot.shazbotShutDown()
      assert.deepEqual(await probe(baseUrl), unready('stopped', 0))
      assert.deepEqual(counts(), before, 'a 503 is no rejection')
    })

    test('come before body parsers, and accept other spellings', async (t) => {
      await start(t)
      const baseUrl = await host(t, OPTIONS)
      const body = '{"unfinished'
      const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }
      for (const path of ['live', 'ready', 'ready/', 'ready?a=b']) {
        const answer = await request(`${baseUrl}clustershazbot/${path}`, { headers, body })
        assert.equal(answer.status, 200, answer.text)
      }
    })

    test('answer HEAD like GET, and no other method', async (t) => {
      await start(t)
      const baseUrl = await host(t, OPTIONS)
      const length = String(JSON.stringify(RUNNING[0][1]).length)
      for (const path of ['live', 'ready']) {
        const url = `${baseUrl}clustershazbot/${path}`
        const head = await request(url, { method: 'HEAD' })
        assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', length])
        for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
          const { status, headers, json } = await request(url, { method })
          assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'])
          assert.deepEqual(json, { error: 'The method must be GET' })
        }
      }
      shazbotDrain()
      const { status, text } = await request(`${baseUrl}clustershazbot/ready`, { method: 'HEAD' })
      assert.deepEqual([status, text], [503, ''])
    })

    test('do not exist without the option', async (t) => {
      await start(t)
      const baseUrl = await host(t, { health: false })
      for (const path of ['live', 'ready'])
        assert.equal((await request(`${baseUrl}clustershazbot/${path}`)).status, 404)
    })
  })
}

test('a probe is answered while the start waits for the master list', async (t) => {
  await prepare(t, { store: await hangingMasterList(t), env: { SHAZBOT_LOG: 'silent' } })
  const baseUrl = await HOSTS['node:http'](t, OPTIONS)
  const probeStart = async () => {
    const starting = shazbot.shazbotStart()
    const answers = await probe(baseUrl)
    const leaving = shazbot.shazbotShutDown()
    await starting
    await leaving
    return answers
  }
  // On a busy machine, the start may stop waiting before both answers. Then another one waits.
  await eventually(async () => {
    assert.deepEqual(await probeStart(), unready('starting', 1))
    return true
  })
  assert.deepEqual(await probe(baseUrl), unready('stopped', 0))
})

test('probes follow the path of the routes, and need no client certificate', async (t) => {
  await start(t)
  const options = { ...OPTIONS, path: '/inner', requireClientCertificate: true }
  const baseUrl = await HOSTS['express 5'](t, options)
  assert.equal((await request(`${baseUrl}inner/ready`)).status, 200)
  assert.equal((await request(`${baseUrl}inner/list`)).status, 401)
  assert.equal((await request(`${baseUrl}clustershazbot/ready`)).status, 404)
})
