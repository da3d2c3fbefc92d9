'use strict'

const assert = require('node:assert/strict')
const { readdirSync, readFileSync } = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { describe, test } = require('node:test')
const { shazbotMiddleware } = require('clustershazbot/express')
const { HOSTS, from, listen } = require('../support/adapter-hosts')
const { request } = require('../support/http')
const { start } = require('../support/in-process')
const { PACKAGE } = require('../support/subject')

const FOLDER = path.join(PACKAGE, 'js/dashboard')
/** The most bytes of the page, its script and its style together. */
const MAX_SIZE = 40_000
const FILES = {
  'dashboard/': ['index.html', 'text/html; charset=utf-8'],
  'dashboard/dashboard.js': ['dashboard.js', 'text/javascript; charset=utf-8'],
  'dashboard/dashboard.css': ['dashboard.css', 'text/css; charset=utf-8'],
}
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

test('the page is one HTML, one script and one style, of at most 40 kB', () => {
  const names = Object.values(FILES).map(([name]) => name)
  assert.deepEqual(readdirSync(FOLDER).sort(), names.sort())
  const texts = names.map((name) => readFileSync(path.join(FOLDER, name), 'utf8'))
  const size = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  assert.ok(size <= MAX_SIZE, `${size} bytes`)
  // The namespace of its icon names no address that is loaded.
  const addresses = texts.join('').replaceAll('http://www.w3.org/2000/svg', '')
  assert.doesNotMatch(addresses, /https?:\/\/|\burl\(|@import|innerHTML|\bstyle=/)
})

for (const [name, host] of Object.entries(HOSTS)) {
  test(`the page with ${name} needs no secret, and has its own policy`, async (t) => {
    await start(t)
    const baseUrl = `${await host(t, { dashboard: true })}clustershazbot/`
    for (const [route, [file, type]] of Object.entries(FILES)) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, text } = await request(baseUrl + route, { method })
        assert.equal(status, 200)
        assert.equal(headers['content-type'], type)
        assert.equal(headers['content-security-policy'], POLICY)
        assert.equal(headers['cache-control'], 'no-cache')
        assert.equal(headers['x-content-type-options'], 'nosniff')
        const content = readFileSync(path.join(FOLDER, file))
        assert.equal(headers['content-length'], String(content.length))
        assert.equal(text, method === 'GET' ? content.toString() : '')
      }
      const { status, headers } = await request(baseUrl + route, { method: 'POST' })
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'])
    }
    for (const query of ['', '?from=bookmark']) {
      const { status, headers } = await request(`${baseUrl}dashboard${query}`)
      assert.deepEqual([status, headers.location], [308, 'dashboard/'])
    }
    assert.equal((await request(`${baseUrl}dashboard/other.js`)).status, 404)
  })
}

describe('the option dashboard', () => {
  test('serves the page where the program mounts the adapter', async (t) => {
    await start(t)
    for (const [mount, path] of [
      ['/ops', '/ops/clustershazbot'],
      ['/clustershazbot', '/clustershazbot'],
    ]) {
      const app = from('express5')('express')().use(mount, shazbotMiddleware({ dashboard: true }))
      const baseUrl = (await listen(t, http.createServer(app))) + path.slice(1)
      assert.equal((await request(`${baseUrl}/dashboard`)).headers.location, 'dashboard/')
      for (const route of Object.keys(FILES)) assert.equal((await request(`${baseUrl}/${route}`)).status, 200)
    }
  })

  test('is off by default', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['node:http'](t)
    for (const route of ['dashboard', ...Object.keys(FILES)])
      assert.equal((await request(`${baseUrl}clustershazbot/${route}`)).status, 404)
  })

  test('serves the page without an engine, and tells it if the program checks who may look', async (t) => {
    const baseUrl = await HOSTS['node:http'](t, { dashboard: true, authorize: () => true })
    const { status, text } = await request(`${baseUrl}clustershazbot/dashboard/`)
    assert.equal(status, 200)
    assert.match(text, /<body data-open /)
  })
})
