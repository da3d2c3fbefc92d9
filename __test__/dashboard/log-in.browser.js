'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { useBrowser } = require('../support/browser')
const { READ_SECRET, startDashboards } = require('../support/dashboard-cluster')
const { CONTROL_SECRET, SECRET } = require('../support/environment')

describe('the log-in', () => {
  const openPage = useBrowser()

  test('shows the cluster to holders of the read secret or the control secret', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    for (const secret of [READ_SECRET, CONTROL_SECRET]) {
      const view = await openPage(t)
      await view.show(server.page, secret, 2)
      assert.equal(view.page.url(), `${server.page}/`)
      assert.equal(await view.text('#name'), server.baseUrl)
      assert.match(await view.text('#facts'), /^clustershazbot \d+\.\d+\.\d+\S*, up \d+ (?:s|min)$/)
      await view.waitForState(server.baseUrl, 'online')
      await view.waitForState(other.baseUrl, 'online')
      await view.eventually(() => document.querySelector('#counts dd').textContent === '2')
      assert.ok(!(await view.isVisible('#login')))
      assert.deepEqual(view.console, [])
    }
  })

  test('rejects other secrets, and lets the user try again', async (t) => {
    const [server] = await startDashboards(t, 1)
    const view = await openPage(t)
    await view.logIn(server.page, SECRET)
    await view.eventually(() => document.querySelector('#login-error').textContent !== '')
    assert.equal(await view.text('#login-error'), 'The server does not accept this secret.')
    assert.ok(!(await view.isVisible('#rows')))
    // The browser itself reports the 401.
    assert.deepEqual(
      view.console.map((line) => /401 \(Unauthorized\)/.test(line)),
      [true],
    )
    await view.page.$eval('#secret', (element) => {
      element.value = ''
    })
    await view.page.type('#secret', READ_SECRET)
    await view.page.keyboard.press('Enter')
    await view.waitForState(server.baseUrl, 'online')
    assert.equal(view.console.length, 1)
  })

  test('keeps the secret in memory, or in the session of the tab if the user says so', async (t) => {
    const [server] = await startDashboards(t, 1)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 1)
    await view.page.reload()
    assert.ok(await view.isVisible('#login'))
    await view.page.click('#keep')
    await view.page.type('#secret', READ_SECRET)
    await view.page.keyboard.press('Enter')
    await view.waitForState(server.baseUrl, 'online')
    await view.page.reload()
    await view.waitForState(server.baseUrl, 'online')
    await view.page.click('#log-out')
    await view.eventually(() => document.querySelector('#login').checkVisibility())
    assert.equal(await view.page.evaluate(() => sessionStorage.length + localStorage.length), 0)
    assert.equal(await view.page.$$eval('#rows tr', (rows) => rows.length), 0)
    await view.page.reload()
    assert.ok(await view.isVisible('#login'))
    assert.deepEqual(view.console, [])
  })

  test('is not needed if the program itself checks who may look', async (t) => {
    const [server] = await startDashboards(t, 1, { cookie: 'user=ada' })
    const view = await openPage(t)
    await view.page.setCookie({ name: 'user', value: 'ada', url: server.baseUrl })
    await view.page.goto(server.page)
    await view.waitForState(server.baseUrl, 'online')
    await view.clickRow(server.baseUrl, '.act')
    assert.ok(await view.isVisible('#confirm-secret'), 'control still needs its secret')
    assert.deepEqual(view.console, [])
  })
})
