'use strict'

const assert = require('node:assert/strict')
const { cpSync, readdirSync } = require('node:fs')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { APPS, buildApp, tsc } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { startSubject } = require('../support/subject')

const ROOT = path.join(__dirname, '..', '..')
const FOLDER = path.join(ROOT, 'examples', 'adapters')
const endsItself = ({ code }) => code === 0
const endsBySignal = (end, signal) => end.signal === signal
const EXAMPLES = { express: endsItself, fastify: endsItself, nestjs: endsBySignal, node: endsItself }

describe('examples/adapters', { concurrency: true }, () => {
  const { scripts } = require(path.join(FOLDER, 'package.json'))

  before(async () => {
    await tsc('--project', FOLDER)
  })

  for (const [name, exits] of Object.entries(EXAMPLES)) {
    const start = (t, options) => {
      const [, ...command] = scripts[name].split(' && ')[1].split(' ')
      return startProgram(t, command, { cwd: FOLDER, ...options })
    }

    test(`${name} runs through its life cycle`, async (t) => {
      await runPairScenario(t, start, { unauthorized: 401, exits })
    })

    test(`${name} gossips with a server with hand-written routes`, async (t) => {
      const store = await createMasterListStore(t)
      const program = await start(t, { store })
      await program.listening()
      store.write([entry(program.baseUrl, aWhileAgo())])
      const { app } = await startSubject(t, { store })
      const see = async (isSeen) => {
        const seenHere = isSeen(await program.list(), app.baseUrl)
        return seenHere && isSeen(await app.call('shazbotGetServerList', true), program.baseUrl)
      }
      await eventually(() => see(isOnline), { what: 'both seeing each other' })
      await program.stop('SIGTERM')
      await eventually(async () => isOffline(await app.call('shazbotGetServerList', true), program.baseUrl), {
        what: 'the news that the program left',
      })
    })

    test(`${name} exits with a message that names an invalid variable`, async (t) => {
      const env = { SHAZBOT_GOSSIP_INTERVAL: 'soon' }
      const program = await start(t, { store: await createMasterListStore(t), env })
      const { code } = await program.exited
      assert.equal(code, 1)
      assert.match(program.output, /SHAZBOT_GOSSIP_INTERVAL/)
    })
  }
})

// If npm installs it, the package uses the Nest of its program; through a link, another one.
test('nestjs runs through its life cycle with Nest 11, as CommonJS and installed by npm', async (t) => {
  const folder = await buildApp({ source: FOLDER, workspace: path.join(APPS, 'nest11'), format: 'cjs' })
  const addons = readdirSync(ROOT).filter((file) => file.endsWith('.node'))
  for (const part of ['package.json', 'binding.js', 'js', ...addons])
    cpSync(path.join(ROOT, part), path.join(folder, 'node_modules', 'clustershazbot', part), {
      recursive: true,
    })
  const start = (context, options) => startProgram(context, [path.join(folder, 'nestjs.js')], options)
  await runPairScenario(t, start, { unauthorized: 401, exits: endsBySignal })
})
