'use strict'

/** What programs with each adapter hear. Their listeners use `require`, the programs `import`. */

const assert = require('node:assert/strict')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { buildApp } = require('../apps/support/build')
const { startProgram } = require('../apps/support/program')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { startSubject } = require('../support/subject')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'adapters')
const LISTENERS = path.join(__dirname, '..', 'fixtures', 'print-events.js')

/** The news of a server that a program has heard, in order, as `[type, cause]`. */
const heardOf = (program, { baseUrl }) => {
  const lines = program.output.split('\n').map((line) => line.split(' '))
  return lines
    .filter(([mark, , url]) => mark === 'heard' && url === baseUrl)
    .map(([, type, , cause]) => [type, cause])
}

/** Waits until a program has heard this last of a server. */
const hears = (program, type, server) =>
  eventually(() => heardOf(program, server).at(-1)?.[0] === type, {
    what: `${type} of ${server.baseUrl}, in\n${program.output}`,
  })

describe('events of examples/adapters', { concurrency: true }, () => {
  let folder
  before(async () => {
    folder = await buildApp({ source: FOLDER, workspace: FOLDER, format: 'esm' })
  })

  for (const framework of ['express', 'fastify', 'nestjs', 'node']) {
    test(`${framework}: requests of others and the program's own end are heard`, async (t) => {
      const store = await createMasterListStore(t)
      const command = ['--require', LISTENERS, path.join(folder, `${framework}.js`)]
      const program = await startProgram(t, command, { store })
      await program.listening()
      store.write([entry(program.baseUrl, aWhileAgo())])
      const { app } = await startSubject(t, { store })
      await hears(program, 'up', app)
      await app.drain()
      await hears(program, 'leave', app)
      await app.bringBack()
      await hears(program, 'up', app)
      await program.drain()
      await hears(program, 'leave', program)
      await program.bringBack()
      await hears(program, 'up', program)
      await eventually(async () => isOnline(await app.call('shazbotGetServerList'), program.baseUrl))
      await app.kill()
      await hears(program, 'down', app)
      await withTimeout(program.stop('SIGTERM'), { within: 60_000, what: 'the end of the program' })

      assert.deepEqual(heardOf(program, program), [
        ['up', 'said'],
        ['leave', 'control'],
        ['up', 'control'],
        ['leave', 'said'],
      ])
      const others = heardOf(program, app).map(([type]) => type)
      assert.deepEqual(
        others.filter((type) => type !== 'suspect' && type !== 'trust'),
        ['up', 'leave', 'up', 'down'],
      )
      const phases = [...program.output.matchAll(/^status (\w+)/gm)].map(([, phase]) => phase)
      const distinct = phases.filter((phase, index) => phase !== phases[index - 1])
      // A process that ends with its engine may end before it hears that the engine has stopped.
      if (distinct.at(-1) === 'stopped') distinct.pop()
      assert.deepEqual(distinct, ['starting', 'running', 'drained', 'running', 'leaving'])
    })
  }
})
