'use strict'

const path = require('node:path')
const { spawnApp } = require('./app')
const { createMasterListStore } = require('./master-list-store')
const { environment } = require('./environment')

const PACKAGE = path.join(__dirname, '..', '..')
const REFERENCE = path.join(__dirname, '..', 'reference')

/** The tested module: the package, or the path in the environment variable. */
const SUBJECT = path.resolve(process.env.SHAZBOT_TEST_SUBJECT || PACKAGE)

/**
 * Starts a server over the tested module, and a master-list store unless one is given.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options] those of app.js (without `modulePath`), and:
 * @param {object} [options.store] a master-list store
 * @param {object[]} [options.servers] the content of the created store
 * @param {Record<string, string | undefined>} [options.env] variables in addition to environment.js
 */
async function startSubject(t, { servers = [], store, env = {}, ...options } = {}) {
  const masterList = store ?? (await createMasterListStore(t, { servers }))
  const app = await spawnApp(t, { modulePath: SUBJECT, env: environment(masterList, env), ...options })
  return { app, store: masterList }
}

module.exports = { startSubject, SUBJECT, PACKAGE, REFERENCE }
