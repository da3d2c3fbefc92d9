'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')
const { buildApp, tsc } = require('./apps/support/build')

const TYPES = path.join(__dirname, 'types')
const EXAMPLES = path.join(__dirname, '..', 'examples')

describe('types', { concurrency: true }, () => {
  for (const resolution of ['nodenext', 'bundler']) {
    test(`the public types are the promised ones (${resolution})`, async () => {
      await tsc('--project', path.join(TYPES, `tsconfig.${resolution}.json`))
    })
  }

  test('wrong uses are errors, each of them', async () => {
    const lines = readFileSync(path.join(TYPES, 'wrong.mts'), 'utf8').split('\n')
    const expected = lines.flatMap((line, index) => (/\S.* \/\/ /.test(line) ? [index + 1] : []))
    const complaints = await tsc('--project', path.join(TYPES, 'tsconfig.wrong.json')).then(
      () => '',
      (error) => error.message,
    )
    const found = [...complaints.matchAll(/wrong\.mts\((\d+),\d+\): error TS/g)].map(([, line]) =>
      Number(line),
    )
    assert.deepEqual(found, expected, complaints)
  })

  for (const example of ['adapters', 'express', 'nestjs']) {
    const folder = path.join(EXAMPLES, example)
    const build = (format, options) => buildApp({ source: folder, workspace: folder, format, options })

    test(`examples/${example} compiles by its own settings`, async () => {
      await tsc('--project', folder, '--noEmit')
    })
    test(`examples/${example} compiles as CommonJS`, async () => {
      await build('cjs')
    })
    test(`examples/${example} compiles for a bundler`, async () => {
      await build('esm', { module: 'esnext', moduleResolution: 'bundler' })
    })
  }
})
