'use strict'

const { readFileSync } = require('node:fs')
const { after, before } = require('node:test')
const puppeteer = require('puppeteer-core')

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** Chromium's sandbox does not run as root. */
const ROOT_OPTIONS = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/**
 * Starts a browser for the tests of a file. Returns a function that opens a page with a session of
 * its own, until the test ends.
 */
function useBrowser() {
  let browser
  before(async () => {
    browser = await puppeteer.launch({ executablePath: process.env.BROWSER_PATH, args: ROOT_OPTIONS })
  })
  after(() => browser.close())

  return async function openPage(t, { width = 1280, height = 800, scheme = 'light' } = {}) {
    const context = await browser.createBrowserContext()
    t.after(() => context.close())
    const page = await context.newPage()
    await page.setViewport({ width, height })
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
    return new DashboardPage(page)
  }
}

/** The page as a user sees it. */
class DashboardPage {
  /** What the console shows, and what the page has thrown. */
  console = []

  constructor(page) {
    this.page = page
    page.on('console', (message) => this.console.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => this.console.push(`thrown: ${error}`))
  }

  async logIn(url, secret) {
    await this.page.goto(url)
    await this.page.type('#secret', secret)
    await this.page.keyboard.press('Enter')
  }

  /** Logs in, and waits until that many servers are shown. */
  async show(url, secret, count) {
    await this.logIn(url, secret)
    await this.eventually((count) => document.querySelectorAll('#rows tr').length === count, count)
    await this.eventually(() => document.title !== 'Cluster')
  }

  /** Waits until the function returns something truthy in the page; resolves with it. */
  async eventually(check, ...values) {
    const handle = await this.page.waitForFunction(check, { polling: 50 }, ...values)
    return handle.jsonValue()
  }

  /** The text that is visible. */
  text(selector) {
    // biome-ignore lint/performance/useDomNodeTextContent: hidden parts must not count
    return this.page.$eval(selector, (element) => element.innerText)
  }

  isVisible(selector) {
    return this.page.$eval(selector, (element) => element.checkVisibility())
  }

  /** Waits until a server is shown in this state. */
  waitForState(baseUrl, state) {
    return this.eventually(
      (baseUrl, state) =>
        [...document.querySelectorAll('#rows tr')].some(
          ({ cells }) =>
            cells[0].firstElementChild.textContent === baseUrl && cells[1].textContent.trim() === state,
        ),
      baseUrl,
      state,
    )
  }

  /** Clicks the button of a server's row: its name, or its action. */
  async clickRow(baseUrl, button = '.name') {
    const rows = await this.page.$$('#rows tr')
    for (const row of rows) {
      const name = await row.$eval('.name', (element) => element.textContent)
      if (name === baseUrl) return (await row.$(button)).click()
    }
    throw new Error(`No row of ${baseUrl}`)
  }

  /** What axe finds, each with the first element that it blames. */
  async findBarriers() {
    // By the debugging protocol, since the policy of the page blocks other scripts.
    await this.page.evaluate(AXE)
    return this.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document)
      return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
    })
  }
}

module.exports = { useBrowser }
