'use strict'

const path = require('node:path')
const { describe, test } = require('node:test')
const { APPS, buildApp } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')

describe('a version 1 program runs unchanged', { concurrency: true }, () => {
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
        await runPairScenario(t, start, { unauthorized: 401, exits: ({ code }) => code === 0 })
      })
    }
  }
})
