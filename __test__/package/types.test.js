'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { describe, test } = require('node:test')
const { promisify } = require('node:util')
const { buildApp, tsc } = require('../apps/support/build')

const TYPES = path.join(__dirname, '..', 'types')
const EXAMPLES = path.join(__dirname, '..', '..', 'examples')

// TypeScript 7 has no `node10`, which older versions call `node`; attw depends on such a version.
const attw = createRequire(
  path.join(__dirname, '..', '..', 'node_modules/@arethetypeswrong/core/package.json'),
)
const OLD_TSC = path.join(path.dirname(attw.resolve('typescript/package.json')), 'bin', 'tsc')

describe('types', { concurrency: true }, () => {
  for (const resolution of ['nodenext', 'bundler']) {
    test(`the public types are as documented (${resolution})`, async () => {
      await tsc('--project', path.join(TYPES, `tsconfig.${resolution}.json`))
    })
  }

  test('the types of the adapters are found (node10)', async () => {
    const project = path.join(TYPES, 'tsconfig.node10.json')
    await promisify(execFile)(process.execPath, [OLD_TSC, '--project', project])
  })

  test('each invalid use is an error', async () => {
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

    test(`examples/${example} compiles with its own settings`, async () => {
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
