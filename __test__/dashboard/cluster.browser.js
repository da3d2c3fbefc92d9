'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { useBrowser } = require('../support/browser')
const { READ_SECRET, startDashboards } = require('../support/dashboard-cluster')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList } = require('../support/http')
const { isOffline, isOnline } = require('../support/entries')

/** What the list of news says about a server, newest first. */
const newsOf = ({ page }, { baseUrl }) =>
  page.$$eval(
    '#events li',
    (items, baseUrl) =>
      items
        .filter((item) => item.querySelector('.url').textContent === baseUrl)
        .map((item) => item.querySelector('.what').textContent),
    baseUrl,
  )

describe('the page of a cluster', () => {
  const openPage = useBrowser()

  test('shows that a server is killed, with its history', async (t) => {
    const [server, other] = await startDashboards(t, 3)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 3)
    other.kill()
    await view.waitForState(other.baseUrl, 'dead')
    assert.match((await newsOf(view, other))[0], /^died \((?:refused|rumour|silent)\)$/)
    await view.eventually(() =>
      [...document.querySelectorAll('#counts dd')].every(
        (count, index) => count.textContent === ['2', '0', '1', '0'][index],
      ),
    )
    assert.match(await view.page.title(), /^\(1\) 127\.0\.0\.1:\d+$/)
    await view.clickRow(other.baseUrl)
    assert.equal(await view.text('#server-name'), other.baseUrl)
    const history = await view.page.$$eval('#server-events .what', (texts) =>
      texts.map(({ textContent }) => textContent.split(' ')[0]),
    )
    assert.deepEqual([history[0], history.at(-1)], ['died', 'came'])
    assert.ok(!(await view.isVisible('#server-act')), 'a dead server cannot be drained')
    assert.deepEqual(view.console, [])
  })

  test('shows that a server is silent, and trusted again', async (t) => {
    // Long enough that the suspect cannot die meanwhile.
    const [server, other] = await startDashboards(t, 3, { env: { SHAZBOT_PROBE_INTERVAL: '1' } })
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 3)
    other.suspend()
    await view.waitForState(other.baseUrl, 'suspect')
    other.resume()
    await view.waitForState(other.baseUrl, 'online')
    assert.ok((await newsOf(view, other)).some((text) => text.startsWith('is suspect')))
  })

  test('shows that a server leaves', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 2)
    await other.leave()
    await view.waitForState(other.baseUrl, 'left')
    assert.equal((await newsOf(view, other))[0], 'left (said)')
    assert.deepEqual(view.console, [])
  })

  test('drains another server through this one, and brings it back', async (t) => {
    const [server, other] = await startDashboards(t, 3)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 3)
    await view.clickRow(other.baseUrl, '.act')
    assert.equal(await view.text('#confirm-server'), other.baseUrl)
    assert.ok(!(await view.isVisible('#confirm-secret')))
    await view.page.click('#confirm .primary')
    await view.eventually(() => document.querySelector('#confirm-secret').checkVisibility())
    assert.equal(await view.text('#confirm-error'), 'This needs the control secret.')
    await view.page.type('#confirm-secret', CONTROL_SECRET)
    await view.page.keyboard.press('Enter')
    await view.waitForState(other.baseUrl, 'left')
    await eventually(async () => isOffline((await getList(other.baseUrl)).json, other.baseUrl))
    assert.ok(!(await view.isVisible('#confirm')))
    assert.equal(await view.page.$eval('#confirm-secret', ({ value }) => value), '', 'it keeps no secret')

    await view.clickRow(other.baseUrl, '.act')
    assert.equal(await view.text('#confirm .primary'), 'Bring back')
    await view.page.click('#confirm .primary')
    await view.waitForState(other.baseUrl, 'online')
    await eventually(async () => isOnline((await getList(other.baseUrl)).json, other.baseUrl))
    assert.deepEqual(
      view.console.map((line) => /401 \(Unauthorized\)/.test(line)),
      [true],
      'only of the read secret, by the browser',
    )
  })

  test('shows why another server cannot be drained', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    await view.show(server.page, CONTROL_SECRET, 2)
    other.suspend()
    await view.clickRow(other.baseUrl, '.act')
    await view.page.click('#confirm .primary')
    await view.eventually(() => /^The server /.test(document.querySelector('#confirm-error').textContent))
    assert.match(
      await view.text('#confirm-error'),
      /^The server (?:has not answered within|cannot be reached)/,
    )
    await view.page.keyboard.press('Escape')
    other.resume()
    await view.waitForState(other.baseUrl, 'online')
  })

  test('says that its own server is drained', async (t) => {
    const [server] = await startDashboards(t, 2)
    const view = await openPage(t)
    await view.show(server.page, CONTROL_SECRET, 2)
    assert.ok(!(await view.isVisible('#drained')))
    await view.clickRow(server.baseUrl)
    await view.page.click('#server-act')
    await view.page.click('#confirm .primary')
    await view.eventually(() => document.querySelector('#drained').checkVisibility())
    await view.eventually(() => document.querySelector('#server-act').textContent === 'Bring back')
    assert.deepEqual(view.console, [])
  })

  test('says that views differ', async (t) => {
    const envOfFirst = ([, second]) => ({ SHAZBOT_ALLOW: new URL(second).origin })
    const [server] = await startDashboards(t, 3, { envOfFirst })
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 2)
    assert.ok(!(await view.isVisible('#differing')))
    await view.page.waitForSelector('#differing', { visible: true, timeout: 60_000 })
    assert.deepEqual(view.console, [])
  })

  test('says that the stream is broken, greys out what is old, and goes on', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 2)
    const colour = () => view.page.$eval('#rows td', (element) => getComputedStyle(element).color)
    const before = await colour()
    server.kill()
    await view.eventually(() => document.querySelector('#broken').checkVisibility())
    const lost = /This page shows what was known at \d\d:\d\d:\d\d\./
    const [lostAt] = lost.exec(await view.text('#broken p'))
    assert.notEqual(await colour(), before)
    const pauses = []
    while (pauses.length < 2) {
      pauses.push(
        await view.eventually((last) => {
          const seconds = Number(/in (\d+) s/.exec(document.querySelector('#next-try').textContent)?.[1])
          return seconds > last && seconds
        }, pauses.at(-1) ?? 0),
      )
    }
    assert.ok((await view.text('#broken p')).includes(lostAt))
    await server.start()
    await view.page.click('#try-now')
    await view.eventually(() => !document.querySelector('#broken').checkVisibility())
    assert.equal(await colour(), before)
    await view.waitForState(other.baseUrl, 'online')
    await other.leave()
    await view.waitForState(other.baseUrl, 'left')
  })
})
