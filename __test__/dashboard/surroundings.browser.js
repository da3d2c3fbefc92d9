'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { useBrowser } = require('../support/browser')
const { READ_SECRET, startDashboards } = require('../support/dashboard-cluster')
const { entry } = require('../support/entries')
const { postGossip } = require('../support/http')
const { hasNginx, startNginx } = require('../support/nginx')

/** Base URLs that would be markup if a page were made of their text. */
const MARKUP = [
  "http://127.0.0.1:9/&lt;img/onerror='document.title=1'/src='x'&gt;/",
  'http://127.0.0.1:9/<b id=injected>bold</b>/',
  'http://127.0.0.1:9/"><script>document.title=1</script>/',
]

describe('the page in its surroundings', () => {
  const openPage = useBrowser()

  test('works below a path of nginx', { skip: !hasNginx && 'nginx is not installed' }, async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const nginx = await startNginx(t, '/ops/cluster/', `${server.baseUrl}clustershazbot/`)
    for (const path of ['dashboard', 'dashboard/']) {
      const view = await openPage(t)
      await view.show(`${nginx}/ops/cluster/${path}`, READ_SECRET, 2)
      assert.equal(view.page.url(), `${nginx}/ops/cluster/dashboard/`)
      await view.waitForState(other.baseUrl, 'online')
      assert.deepEqual(view.console, [])
    }
    const view = await openPage(t)
    await view.show(`${nginx}/ops/cluster/dashboard`, READ_SECRET, 2)
    await other.leave()
    await view.waitForState(other.baseUrl, 'left')
  })

  test('has its own policy behind helmet, and live changes behind compression', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    const response = await view.page.goto(server.page)
    const headers = response.headers()
    assert.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; /)
    assert.ok(headers['x-dns-prefetch-control'], 'helmet is in use')
    assert.ok(headers['content-encoding'], 'compression is in use')
    await view.show(server.page, READ_SECRET, 2)
    await other.leave()
    await view.waitForState(other.baseUrl, 'left')
    assert.deepEqual(view.console, [])
  })

  test('shows base URLs with markup as text', async (t) => {
    const [server] = await startDashboards(t, 1)
    await postGossip(server.baseUrl, { online: MARKUP.map((baseUrl) => entry(baseUrl)) })
    const view = await openPage(t)
    await view.logIn(server.page, READ_SECRET)
    await view.eventually(() => document.querySelectorAll('#rows tr').length > 1)
    const names = await view.page.$$eval('.name', (names) => names.map(({ textContent }) => textContent))
    assert.ok(names.includes(MARKUP[0]), names.join('\n'))
    assert.ok(names.length >= 3, names.join('\n'))
    const elements = await view.page.$$eval('.name, #events .url', (names) =>
      names.reduce((sum, name) => sum + name.children.length, 0),
    )
    assert.equal(elements, 0)
    for (const name of names) {
      await view.clickRow(name)
      assert.equal(await view.text('#server-name'), name)
      await view.page.keyboard.press('Escape')
    }
    assert.equal(await view.page.$('#injected'), null)
    assert.ok((await view.page.title()).includes('127.0.0.1'))
    assert.deepEqual(view.console, [])
  })
})
