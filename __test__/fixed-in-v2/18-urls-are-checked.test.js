'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')

const NO_URLS = ['not a url', '127.0.0.1:3000', '/servers.json', 'http://', 'http://[::1']

const REFUSED = {
  SHAZBOT_BASE_URL: [
    ...NO_URLS,
    'ftp://127.0.0.1/',
    'data:text/plain,x',
    'http://127.0.0.1:3000/?tenant=1',
    'http://127.0.0.1:3000/#here',
    'http://user:password@127.0.0.1:3000/',
    'http://user@127.0.0.1:3000/',
  ],
  SHAZBOT_MASTER_LIST: NO_URLS,
  SHAZBOT_MASTER_LIST_UPDATE: NO_URLS,
}

describe('fixed in v2, 18: URLs are checked', { concurrency: 8 }, () => {
  for (const [name, values] of Object.entries(REFUSED)) {
    test(`fixed in v2, 18: an invalid ${name} is rejected by name`, async (t) => {
      const { app, store } = await startSubject(t, { start: false })
      const good = name === 'SHAZBOT_BASE_URL' ? app.baseUrl : store.url
      for (const value of values) {
        await app.setEnv({ [name]: value })
        await assert.rejects(
          app.call('shazbotStart'),
          (error) => {
            assert.equal(error.code, 'SHAZBOT_CONFIG')
            assert.match(error.message, new RegExp(`${name}\\b`))
            return true
          },
          `${name}=${value} was accepted`,
        )
        await assert.rejects(app.call('shazbotGetServerList'), {
          message: 'Clustershazbot engine not started',
        })
      }
      await app.setEnv({ [name]: good })
      await app.call('shazbotStart')
      assert.equal((await app.call('shazbotGetServerList')).online.length, 1, 'a later start succeeds')
    })
  }
})
