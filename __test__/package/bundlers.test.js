'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { execFile, spawn } = require('node:child_process')
const {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { createMasterListStore } = require('../support/master-list-store')
const { cleanEnvironment, environment } = require('../support/environment')
const { eventually, withTimeout } = require('../support/eventually')
const { freePort } = require('../support/ports')
const { currentPlatform } = require('../../js/engine/platform.js')

const ROOT = path.join(__dirname, '..', '..')
const ADDON = `clustershazbot.${currentPlatform().name}.node`

/** An application with the installed package and the bundlers; deleted with the test. */
function createApplication(t) {
  const app = mkdtempSync(path.join(tmpdir(), 'clustershazbot-bundle-'))
  t.after(() => rmSync(app, { recursive: true, force: true }))
  cpSync(path.join(ROOT, 'examples/bundlers'), app, { recursive: true })
  for (const part of ['package.json', 'binding.js', 'js', ADDON])
    cpSync(path.join(ROOT, part), path.join(app, 'node_modules/clustershazbot', part), { recursive: true })
  for (const bundler of ['esbuild', 'webpack', 'rollup', '@rollup', '@vercel'])
    symlinkSync(path.join(ROOT, 'node_modules', bundler), path.join(app, 'node_modules', bundler), 'junction')
  return app
}

/** Runs a program of the application until it ends. */
const run = (app, ...args) =>
  promisify(execFile)(process.execPath, args, { cwd: app, env: { ...cleanEnvironment(), NODE_ENV: '' } })

const WEBPACK = `
  const webpack = require('webpack')
  import(process.cwd() + '/webpack.config.mjs').then(({ default: config }) => {
    webpack({ context: process.cwd(), ...config }, (error, stats) => {
      if (error || stats.hasErrors()) throw error ?? new Error(stats.toString())
    })
  })`

/** A preload that makes `node:sea` report a single executable. */
const PRETEND_TO_BE_ONE = `
  const Module = require('node:module')
  const load = Module._load
  Module._load = (request, ...rest) => (request === 'node:sea' ? { isSea: () => true } : load(request, ...rest))`

const BUILDS = {
  esbuild: (app) => run(app, 'esbuild.mjs'),
  webpack: (app) => run(app, '-e', WEBPACK),
  rollup: (app) => run(app, path.join(ROOT, 'node_modules/rollup/dist/bin/rollup'), '-c', '--silent'),
  ncc: (app) => run(app, 'ncc.mjs'),
}

/** Starts the bundle, without its sources. */
async function startBundle(t, app) {
  for (const source of ['server.mjs', 'greeting.mjs']) rmSync(path.join(app, source))
  const bundle = ['server.cjs', 'server.mjs'].map((file) => path.join(app, 'dist', file)).find(existsSync)
  const [port, store] = [await freePort(), await createMasterListStore(t)]
  const url = `http://127.0.0.1:${port}/`
  const child = spawn(process.execPath, [bundle], {
    cwd: app,
    env: { ...cleanEnvironment(), ...environment(store, { SHAZBOT_BASE_URL: url, PORT: String(port) }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const server = { url, bundle, output: '', stop: () => child.kill('SIGTERM') }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      server.output += text
    })
  }
  server.exited = new Promise((resolve) => child.once('close', (code) => resolve(code)))
  server.get = (below) =>
    fetch(url + below).then(async (response) => [response.status, await response.text()])
  await eventually(() => server.output.includes('engine started'), { within: 60_000, what: 'the start' })
  return server
}

describe('bundles', { concurrency: 2 }, () => {
  for (const [bundler, build] of Object.entries(BUILDS)) {
    test(`of ${bundler} contain the program, leave the package external, and run`, async (t) => {
      const app = createApplication(t)
      await build(app)
      const server = await startBundle(t, app)
      assert.match(readFileSync(server.bundle, 'utf8'), /Hello from a bundle/)
      assert.deepEqual(await server.get(''), [200, 'Hello from a bundle'])
      const [status, list] = await server.get('clustershazbot/list')
      assert.equal(status, 200, list)
      assert.deepEqual(
        JSON.parse(list).online.map(({ baseUrl }) => baseUrl),
        [server.url],
      )
      server.stop()
      assert.equal(await withTimeout(server.exited, { within: 60_000, what: 'the exit' }), 0, server.output)
    })
  }

  for (const isExecutable of [false, true]) {
    test(`that contain the whole package fail with a clear error${isExecutable ? ', in a single executable too' : ''}`, async (t) => {
      const app = createApplication(t)
      rmSync(path.join(app, 'node_modules/clustershazbot', ADDON))
      const script = readFileSync(path.join(app, 'esbuild.mjs'), 'utf8')
      const bundleAll = script.replace(/external: .*/, "external: ['*.node', '*.cjs', 'clustershazbot-*'],")
      writeFileSync(path.join(app, 'esbuild.mjs'), bundleAll)
      await BUILDS.esbuild(app)
      const preload = path.join(app, 'preload.cjs')
      writeFileSync(preload, isExecutable ? PRETEND_TO_BE_ONE : '')
      const failed = await run(app, '--require', preload, 'dist/server.cjs').catch((error) => error)
      const expected = isExecutable ? 'single executable' : 'bundle'
      assert.ok(failed.stderr.includes(`: the package is part of a ${expected}, `), failed.stderr)
      const remedy = isExecutable ? 'createRequire(process.execPath)' : 'docs/bundlers.md'
      assert.ok(failed.stderr.includes(remedy), failed.stderr)
    })
  }

  test('that contain the whole package and its addon need no package of another platform', async (t) => {
    const app = createApplication(t)
    writeFileSync(
      path.join(app, 'main.cjs'),
      "process.stdout.write(typeof require('clustershazbot').shazbotStart)",
    )
    const build = `
      require('esbuild').build({
        entryPoints: ['main.cjs'],
        outfile: 'dist/main.cjs',
        bundle: true,
        platform: 'node',
        external: ['@opentelemetry/api'],
        loader: { '.node': 'copy' },
        logLevel: 'error',
      })`
    await run(app, '-e', build)
    rmSync(path.join(app, 'node_modules'), { recursive: true })
    assert.equal((await run(app, 'dist/main.cjs')).stdout, 'function')
  })

  test('that contain a part of the package fail with a clear error', async (t) => {
    const app = createApplication(t)
    const script = readFileSync(path.join(app, 'ncc.mjs'), 'utf8')
      .replace(/externals: .*/, "externals: ['clustershazbot'],")
      .replace('{ code }', '{ code, assets }')
    const writeAssets = `
      for (const [name, { source }] of Object.entries(assets)) {
        mkdirSync('dist/' + name.slice(0, name.lastIndexOf('/') + 1), { recursive: true })
        writeFileSync('dist/' + name, source)
      }`
    writeFileSync(path.join(app, 'ncc.mjs'), `${script}\n${writeAssets}\n`)
    await BUILDS.ncc(app)
    const server = await startBundle(t, app)
    const [status, answer] = await server.get('clustershazbot/list')
    assert.equal(status, 503)
    assert.match(
      JSON.parse(answer).error,
      /^Clustershazbot engine not started: another copy of the package runs one/,
    )
    assert.match(server.output, /Clustershazbot: this copy of the package has no engine/)
    server.stop()
    assert.equal(await withTimeout(server.exited, { within: 60_000, what: 'the exit' }), 0, server.output)
  })
})
