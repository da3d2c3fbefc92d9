/**
 * Draws docs/dashboard.png: `npm run picture:dashboard`. It starts a cluster on loopback addresses,
 * takes servers down in three ways, and takes a picture of the page of one that is left. Needs
 * Linux, and a Chromium in `BROWSER_PATH`; the default is `chromium`.
 */

import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'
import { indexedPng } from './indexed-png.mjs'

const require = createRequire(import.meta.url)
const { DashboardServer, READ_SECRET } = require('../../__test__/support/dashboard-cluster.js')
const { entry, monitorEntry } = require('../../__test__/support/entries.js')
const { createMasterListStore } = require('../../__test__/support/master-list-store.js')

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HOSTS = [11, 12, 13, 14, 15, 16, 17, 18, 19].map((number) => `127.0.0.${number}`)
const PORT = 3000
const SIZE = { width: 1280, height: 640 }
/** Chromium's sandbox does not run as root. */
const ROOT_OPTIONS = process.getuid() === 0 ? ['--no-sandbox'] : []

const endings = []
try {
  await draw(await startCluster(), await startBrowser())
} finally {
  for (const end of endings.reverse()) await end()
}

async function startCluster() {
  const after = (end) => endings.push(end)
  const servers = HOSTS.map((host, index) => (index === 1 ? monitorEntry : entry)(`http://${host}:${PORT}/`))
  const store = await createMasterListStore({ after }, { servers })
  const cluster = HOSTS.map((host, index) => {
    const env = { SHAZBOT_PROBE_INTERVAL: '1', SHAZBOT_MONITOR: String(index === 1) }
    return new DashboardServer(PORT, { host, store, env })
  })
  for (const server of cluster) after(() => server.kill())
  await Promise.all(cluster.map((server) => server.start()))
  return cluster
}

async function startBrowser() {
  const executablePath = process.env.BROWSER_PATH ?? '/usr/bin/chromium'
  const browser = await puppeteer.launch({ executablePath, args: ROOT_OPTIONS, defaultViewport: SIZE })
  endings.push(() => browser.close())
  return browser
}

async function draw([first, , third, fifth, seventh], browser) {
  const page = await browser.newPage()
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }])
  await page.goto(first.page)
  await page.type('#secret', READ_SECRET)
  await page.keyboard.press('Enter')
  await waitForCount(page, 'online', HOSTS.length)
  await third.leave()
  await waitForCount(page, 'left', 1)
  fifth.kill()
  await waitForCount(page, 'dead', 1)
  seventh.suspend()
  await waitForCount(page, 'suspect', 1)
  await page.evaluate(() => document.activeElement.blur())
  writeFileSync(join(ROOT, 'docs/dashboard.png'), await indexedPng(page, await page.screenshot()))
}

function waitForCount(page, state, count) {
  const check = (state, count) =>
    document.querySelector(`#counts [data-state="${state}"] dd`).textContent === count
  return page.waitForFunction(check, {}, state, String(count))
}
