'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { useBrowser } = require('../support/browser')
const { READ_SECRET, startDashboards } = require('../support/dashboard-cluster')
const { CONTROL_SECRET } = require('../support/environment')

/** The narrowest page that must not scroll sideways, in pixels. */
const NARROW = 320

describe('the page and its users', () => {
  const openPage = useBrowser()

  for (const scheme of ['light', 'dark']) {
    test(`axe finds nothing, with the ${scheme} colours`, async (t) => {
      const [server, other, third] = await startDashboards(t, 3)
      const view = await openPage(t, { scheme })
      await view.page.goto(server.page)
      assert.deepEqual(await view.findBarriers(), [], 'the log-in')
      const background = await view.page.$eval('body', (body) => getComputedStyle(body).backgroundColor)
      assert.equal(background, scheme === 'dark' ? 'rgb(18, 22, 27)' : 'rgb(244, 245, 247)')
      await view.show(server.page, CONTROL_SECRET, 3)
      other.kill()
      await third.leave()
      await view.waitForState(other.baseUrl, 'dead')
      await view.waitForState(third.baseUrl, 'left')
      assert.deepEqual(await view.findBarriers(), [], 'the table')
      await view.clickRow(third.baseUrl)
      assert.deepEqual(await view.findBarriers(), [], 'one server')
      await view.page.click('#server-act')
      assert.deepEqual(await view.findBarriers(), [], 'the question')
      assert.deepEqual(view.console, [])
      await view.page.keyboard.press('Escape')
      await view.page.keyboard.press('Escape')
      server.kill()
      await view.eventually(() => document.querySelector('#broken').checkVisibility())
      assert.deepEqual(await view.findBarriers(), [], 'a broken stream')
    })
  }

  test('the keyboard is enough', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    const { keyboard } = view.page
    const focused = () =>
      view.page.evaluate(() => document.activeElement.id || document.activeElement.className)
    const tabTo = async (name) => {
      for (let steps = 0; (await focused()) !== name; steps++) {
        assert.ok(steps < 20, `Tab does not reach ${name}`)
        await keyboard.press('Tab')
      }
      assert.ok(await isFocusVisible(view.page), `the focus of ${name} is visible`)
    }
    await view.page.goto(server.page)
    await tabTo('secret')
    await keyboard.type(CONTROL_SECRET)
    await keyboard.press('Enter')
    await view.waitForState(other.baseUrl, 'online')
    await tabTo('name')
    await keyboard.press('End')
    await keyboard.press('Home')
    await keyboard.press('ArrowDown')
    const name = await view.page.evaluate(() => document.activeElement.textContent)
    assert.equal(name, await view.text('#rows tr:nth-child(2) .name'))
    await keyboard.press('Enter')
    assert.equal(await view.text('#server-name'), name)
    await tabTo('server-act')
    await keyboard.press('Enter')
    assert.equal(await view.text('#confirm-server'), name)
    await keyboard.press('Escape')
    assert.equal(await focused(), 'server-act')
    await keyboard.press('Enter')
    await tabTo('primary')
    await keyboard.press('Enter')
    await view.waitForState(name, 'left')
    await keyboard.press('Escape')
    assert.equal(await focused(), 'name')
    assert.deepEqual(view.console, [])
  })

  test('a narrow page scrolls sideways only in the table', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t, { width: NARROW, height: 640 })
    const widthOf = () => view.page.evaluate(() => document.documentElement.scrollWidth)
    await view.page.goto(server.page)
    assert.equal(await widthOf(), NARROW)
    await view.show(server.page, READ_SECRET, 2)
    assert.equal(await widthOf(), NARROW)
    await view.clickRow(other.baseUrl)
    const drawer = await view.page.$eval(
      '#server',
      ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
    )
    assert.equal(drawer, 0)
  })

  test('sorts, filters, and shows only those not online', async (t) => {
    const [server, other] = await startDashboards(t, 2)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 2)
    const names = () =>
      view.page.$$eval('#rows .name', (names) => names.map(({ textContent }) => textContent))
    const waitForNames = (wanted) =>
      view.eventually(
        (wanted) =>
          [...document.querySelectorAll('#rows .name')].map((name) => name.textContent).join() === wanted,
        wanted.join(),
      )
    const sorted = await names()
    assert.deepEqual(sorted, [server.baseUrl, other.baseUrl].sort())
    await view.page.click('[data-sort="server"]')
    await waitForNames(sorted.toReversed())
    assert.equal(await view.page.$eval('[aria-sort]', ({ ariaSort }) => ariaSort), 'descending')
    await view.page.click('[data-sort="state"]')
    await other.leave()
    await waitForNames([other.baseUrl, server.baseUrl])
    await view.page.click('#not-online')
    await waitForNames([other.baseUrl])
    await view.page.click('#not-online')
    await view.page.type('#filter', new URL(server.baseUrl).port)
    await waitForNames([server.baseUrl])
    assert.equal(await view.text('#shown'), '1 of 2')
  })

  test('nothing moves, and the live region speaks at most once a second', async (t) => {
    const [server, other, third] = await startDashboards(t, 3)
    const view = await openPage(t)
    await view.show(server.page, READ_SECRET, 3)
    await view.page.evaluate(() => {
      globalThis.spoken = []
      new MutationObserver(() => {
        globalThis.spoken.push({ at: performance.now(), text: document.querySelector('#live').textContent })
      }).observe(document.querySelector('#live'), { childList: true })
    })
    await Promise.all([other.leave(), third.leave()])
    await view.waitForState(other.baseUrl, 'left')
    await view.waitForState(third.baseUrl, 'left')
    assert.equal(await view.page.evaluate(() => document.getAnimations().length), 0)
    const spoken = await view.eventually(
      (urls) => {
        const { spoken } = globalThis
        return urls.every((url) => spoken.some(({ text }) => text.includes(url))) && spoken
      },
      [other.baseUrl, third.baseUrl],
    )
    const gaps = spoken.slice(1).map(({ at }, index) => at - spoken[index].at)
    // Timers may be early by a millisecond.
    assert.ok(
      gaps.every((gap) => gap >= 990),
      gaps.join(),
    )
  })
})

/** Whether the focused element has an outline. */
function isFocusVisible(page) {
  return page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2
  })
}
