'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { shazbotMiddleware } = require('clustershazbot/express')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { moduleFor } = require('../../js/adapters/nestjs-module')
const { from } = require('../support/adapter-hosts')

const MB = 1024 * 1024

/** Invalid options, with the name and the message of the error. */
const INVALID = [
  [{ limit: '16mb' }, 'TypeError', /option limit must be a whole number of bytes.*"16mb"/],
  [{ limit: null }, 'TypeError', /option limit.*null/],
  [{ limit: 16n }, 'TypeError', /option limit/],
  [{ limit: {} }, 'TypeError', /option limit.*an object/],
  [{ limit: 0 }, 'RangeError', /option limit.*1 to \d+, not 0/],
  [{ limit: -1 }, 'RangeError', /option limit/],
  [{ limit: 1.5 }, 'RangeError', /option limit/],
  [{ limit: Number.NaN }, 'RangeError', /option limit.*NaN/],
  [{ limit: Number.POSITIVE_INFINITY }, 'RangeError', /option limit/],
  [{ limit: 48 * MB + 1 }, 'RangeError', /option limit/],
  [
    { trustProxy: 'loopback' },
    'TypeError',
    /option trustProxy must be true, false or the number.*"loopback"/,
  ],
  [{ trustProxy: null }, 'TypeError', /option trustProxy/],
  [{ trustProxy: -1 }, 'RangeError', /option trustProxy.*0 to 16, not -1/],
  [{ trustProxy: 17 }, 'RangeError', /option trustProxy/],
  [{ trustProxy: 0.5 }, 'RangeError', /option trustProxy/],
  [{ trustProxy: Number.NaN }, 'RangeError', /option trustProxy/],
  [{ health: 'yes' }, 'TypeError', /option health must be true or false, not "yes"/],
  [{ health: null }, 'TypeError', /option health/],
  [{ health: 1 }, 'TypeError', /option health/],
  ...['watch', 'metrics', 'dashboard'].flatMap((name) => [
    [{ [name]: 'yes' }, 'TypeError', new RegExp(`option ${name} must be true or false, not "yes"`)],
    [{ [name]: null }, 'TypeError', new RegExp(`option ${name}`)],
  ]),
  [{ dashboard: true, watch: false }, 'RangeError', /option dashboard needs watch/],
  [{ authorize: true }, 'TypeError', /option authorize must be a function, not true/],
  [{ authorize: null }, 'TypeError', /option authorize/],
  [{ path: 5 }, 'TypeError', /option path must be a string/],
  [{ path: null }, 'TypeError', /option path/],
  [{ path: ['/x'] }, 'TypeError', /option path/],
  [{ path: 'x' }, 'RangeError', /option path must begin with '\/'/],
  [{ path: '/' }, 'RangeError', /option path/],
  [{ path: '/x/' }, 'RangeError', /option path.*not end with it/],
  [{ path: '/x?y' }, 'RangeError', /option path/],
  [{ path: '/x#y' }, 'RangeError', /option path/],
  [{ path: '/x y' }, 'RangeError', /option path/],
  [{ path: '/x\n' }, 'RangeError', /option path/],
]

const VALID = [
  undefined,
  {},
  { path: undefined, limit: undefined },
  { limit: 1 },
  { limit: 48 * MB },
  { trustProxy: false },
  { trustProxy: true },
  { trustProxy: 0 },
  { trustProxy: 16 },
  { health: true },
  { watch: true, metrics: true, dashboard: true },
  { dashboard: true, watch: undefined },
  { dashboard: false, watch: false },
  { authorize: () => true },
  { authorize: undefined },
  { path: '' },
  { path: '/a/b-c_d.e~%20' },
  { of: 'another plugin' },
]

describe('options', () => {
  const { forRoot } = moduleFor(class HttpAdapterHost {})
  const fastify = (options) => {
    const app = from('adapters')('fastify')()
    app.register(shazbotPlugin, options)
    return app.ready()
  }
  const ways = {
    shazbotHandler: async (options) => shazbotHandler(options),
    shazbotMiddleware: async (options) => shazbotMiddleware(options),
    forRoot: async (options) => forRoot(options),
    shazbotPlugin: fastify,
  }

  for (const [name, register] of Object.entries(ways)) {
    test(`of ${name}: an invalid one is named at registration`, async () => {
      for (const [options, error, message] of INVALID) {
        const what = (thrown) => {
          assert.equal(thrown.name, error, String(thrown))
          assert.match(thrown.message, message)
          return true
        }
        await assert.rejects(register(options), what)
      }
      for (const options of VALID) await register(options)
    })
  }

  test('must be an object', () => {
    for (const options of [null, '/path', 5])
      assert.throws(() => shazbotHandler(options), {
        name: 'TypeError',
        message: /options must be an object/,
      })
  })
})
