'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { accessSync, constants, existsSync, readdirSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const ROOT = path.join(__dirname, '..', '..')
const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))

const FUNCTIONS = [
  'shazbotControlRequest',
  'shazbotGetServerList',
  'shazbotGossipRequest',
  'shazbotListRequest',
  'shazbotShutDown',
  'shazbotStart',
]

/** Runs a program in the root of the repository, where the package can refer to itself. */
function run(...args) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  return stdout
}

/** The files of a folder of the repository and its subfolders, as paths from the root. */
const filesBelow = (folder) =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(file) : [file]
  })

describe('fixed in v2, 24: packaging', { concurrency: 4 }, () => {
  test('fixed in v2, 24: require and import give the same functions', async () => {
    const required = createRequire(path.join(ROOT, 'package.json'))('clustershazbot')
    const imported = await import('clustershazbot')
    assert.deepEqual(Object.keys(required).sort(), FUNCTIONS)
    assert.deepEqual(Object.keys(imported).sort(), [...FUNCTIONS, 'default'].sort())
    for (const name of FUNCTIONS) {
      assert.equal(typeof required[name], 'function')
      assert.equal(imported[name], required[name])
      assert.equal(imported.default[name], required[name])
    }
  })

  test('fixed in v2, 24: each works alone, in every syntax', () => {
    const say = "process.stdout.write([typeof shazbotStart, typeof shazbotGetServerList].join(' '))"
    const programs = [
      ['commonjs', `const { shazbotStart, shazbotGetServerList } = require('clustershazbot'); ${say}`],
      ['commonjs', `import('clustershazbot').then(({ shazbotStart, shazbotGetServerList }) => ${say})`],
      ['module', `import { shazbotStart, shazbotGetServerList } from 'clustershazbot'; ${say}`],
      [
        'module',
        `import * as all from 'clustershazbot'; const { shazbotStart, shazbotGetServerList } = all; ${say}`,
      ],
      [
        'module',
        `import all from 'clustershazbot'; const { shazbotStart, shazbotGetServerList } = all; ${say}`,
      ],
      ['module', `const { shazbotStart, shazbotGetServerList } = await import('clustershazbot'); ${say}`],
    ]
    for (const [type, program] of programs) {
      assert.equal(run(`--input-type=${type}`, '-e', program), 'function function', program)
    }
  })

  test('fixed in v2, 24: it loads by its path too', async () => {
    assert.deepEqual(Object.keys(require('../..')).sort(), FUNCTIONS)
    const { exports } = manifest
    const imported = await import(pathToFileURL(path.join(ROOT, exports['.'].import.default)))
    assert.equal(imported.shazbotStart, require('../..').shazbotStart)
  })

  test('the files of the entry points exist', () => {
    const named = [manifest.main, manifest.types]
    const collect = (value) =>
      typeof value === 'string' ? named.push(value) : Object.values(value).forEach(collect)
    collect(manifest.exports)
    collect(manifest.typesVersions)
    for (const file of named) assert.ok(existsSync(path.join(ROOT, file)), file)
    assert.equal(path.normalize(manifest.main), path.normalize(manifest.exports['.'].require.default))
    assert.equal(path.normalize(manifest.types), path.normalize(manifest.exports['.'].require.types))
    assert.equal(Object.keys(manifest.exports['.'].import)[0], 'types', 'TypeScript uses the first match')
    assert.equal(Object.keys(manifest.exports['.'].require)[0], 'types')
  })

  test('each adapter can be required and imported, with the same result', async () => {
    const own = createRequire(path.join(ROOT, 'package.json'))
    const entries = {
      express: ['shazbotMiddleware'],
      fastify: ['shazbotPlugin'],
      health: ['shazbotReady', 'shazbotDrain', 'shazbotResume'],
      'nestjs-terminus': ['ClustershazbotHealthIndicator'],
      node: ['shazbotHandler'],
    }
    for (const [name, exported] of Object.entries(entries)) {
      const required = own(`clustershazbot/${name}`)
      assert.deepEqual(Object.keys(required), exported)
      assert.deepEqual({ ...(await import(`clustershazbot/${name}`)) }, required)
    }
    assert.deepEqual(Object.keys(await import('clustershazbot/nestjs')), [
      'ClustershazbotModule',
      'ClustershazbotService',
    ])
    const files = filesBelow('js/adapters').map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
    assert.ok(
      files.every((text) => text.split('\n').length <= 121),
      'an adapter is small',
    )
  })

  test('the adapters load the other subpaths with their first use', () => {
    const loaded = (program) =>
      JSON.parse(
        run(
          '-e',
          `${program}
          const folders = Object.keys(require.cache).map((file) => /js.(events|owners|health)/.exec(file)?.[1])
          process.stdout.write(JSON.stringify([...new Set(folders)].filter(Boolean).sort()))`,
        ),
      )
    for (const name of ['express', 'fastify', 'nestjs', 'node'])
      assert.deepEqual(loaded(`require('clustershazbot/${name}')`), [], name)
    const routes = "require('clustershazbot/node').shazbotHandler"
    assert.deepEqual(loaded(`${routes}()`), [])
    assert.deepEqual(loaded(`${routes}({ health: true })`), ['events', 'health'])
    const service = "const { ClustershazbotService } = require('clustershazbot/nestjs')"
    assert.deepEqual(loaded(`${service}; new ClustershazbotService()`), [])
    assert.deepEqual(loaded(`${service}; new ClustershazbotService().ready()`), ['events', 'health'])
  })

  test('the command line is a program that npm can link', () => {
    assert.deepEqual(manifest.bin, { clustershazbot: 'js/cli/main.js' })
    const program = path.join(ROOT, manifest.bin.clustershazbot)
    assert.ok(readFileSync(program, 'utf8').startsWith('#!/usr/bin/env node\n'))
    if (process.platform !== 'win32') accessSync(program, constants.X_OK)
    assert.equal(run(program, '--version'), `${manifest.version}\n`)
  })

  test('only the entry points and the manifest are exported', () => {
    const own = createRequire(path.join(ROOT, 'package.json'))
    assert.equal(own('clustershazbot/package.json').version, manifest.version)
    for (const inner of [
      'js/index.js',
      'js/engine/lifecycle.js',
      'js/adapters/node.js',
      'binding.js',
      'index.d.ts',
    ]) {
      assert.throws(() => own(`clustershazbot/${inner}`), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
    }
  })

  test('name, version, licence and engines are as documented', () => {
    const { name, version, license, engines, dependencies = {} } = manifest
    assert.deepEqual({ name, version, license }, { name: 'clustershazbot', version: '2.0.0', license: 'MIT' })
    assert.equal(engines.node, '>=20')
    assert.deepEqual(dependencies, {}, 'nothing else is installed')
  })

  test('installing it runs no script', () => {
    // `prepare` runs in a clone only.
    for (const name of ['preinstall', 'install', 'postinstall', 'prepublish'])
      assert.ok(!(name in manifest.scripts), name)
    assert.ok(!existsSync(path.join(ROOT, 'binding.gyp')), 'npm would run node-gyp')
  })

  test('the package contains the intended files only', () => {
    const pack = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    assert.equal(pack.status, 0, pack.stderr)
    const [{ files }] = JSON.parse(pack.stdout)
    const packed = files.map(({ path }) => path).sort()
    const expected = [
      ...filesBelow('js'),
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'binding.js',
      'index.d.mts',
      'index.d.ts',
      'package.json',
    ]
    assert.deepEqual(packed, expected.sort())
  })

  test('every file that the packed JavaScript requires is packed', () => {
    for (const file of filesBelow('js')) {
      const text = readFileSync(path.join(ROOT, file), 'utf8')
      for (const [, wanted] of text.matchAll(/(?:require\(|from )'(\.[^']*)'/g)) {
        const target = path.posix.join(path.posix.dirname(file), wanted)
        const isTyped = target === 'index.js' && /\.d\.m?ts$/.test(file)
        assert.ok(/^js\//.test(target) || target === 'binding.js' || isTyped, `${file} wants ${wanted}`)
        const wantedFile = isTyped ? 'index.d.ts' : target
        assert.ok(existsSync(path.join(ROOT, wantedFile)), `${file} wants ${wanted}`)
      }
    }
  })
})
