'use strict'

const path = require('node:path')
const { describe, test } = require('node:test')
const { APPS, buildApp } = require('../apps/support/build')
const { liveAsPair } = require('../apps/support/life-of-a-pair')
const { startProgram } = require('../apps/support/program')

describe('a program as the TypeScript package had it taught runs unchanged', { concurrency: true }, () => {
  for (const version of ['express4', 'express5']) {
    for (const format of ['cjs', 'esm']) {
      test(`${version}, ${format}`, async (t) => {
        const folder = await buildApp({
          source: path.join(APPS, 'express'),
          workspace: path.join(APPS, version),
          format,
          options: { useUnknownInCatchVariables: false },
        })
        const start = (context, options) => startProgram(context, [path.join(folder, 'app.js')], options)
        await liveAsPair(t, start, { unauthorized: 401, exits: ({ code }) => code === 0 })
      })
    }
  }
})
