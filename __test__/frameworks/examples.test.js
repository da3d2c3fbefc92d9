'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { tsc } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')
const { request } = require('../support/http')
const { SECRET } = require('../support/environment')
const { createMasterListStore } = require('../support/master-list-store')

const EXAMPLES = [
  { name: 'express', exits: ({ code }) => code === 0 },
  { name: 'nestjs', exits: (end, signal) => end.signal === signal },
]

for (const { name, exits } of EXAMPLES) {
  describe(`examples/${name}`, { concurrency: true }, () => {
    const cwd = path.join(__dirname, '..', '..', 'examples', name)
    const [compile, run] = require(path.join(cwd, 'package.json')).scripts.start.split(' && ')
    const [node, ...command] = run.split(' ')
    const start = (t, options) => startProgram(t, command, { cwd, ...options })

    before(async () => {
      assert.deepEqual([compile, node], ['tsc', 'node'])
      await tsc('--project', cwd)
    })

    test('runs through its life cycle', async (t) => {
      await runPairScenario(t, start, { unauthorized: 401, exits })
    })

    test('answers a malformed message with a 400 that names the field', async (t) => {
      const program = await start(t, { store: await createMasterListStore(t) })
      await program.listening()
      const headers = { 'Content-Type': 'application/json', Authorization: SECRET }
      const url = `${program.baseUrl}clustershazbot/gossip`
      const answer = await request(url, { method: 'POST', headers, body: '{"message":"gossip"}' })
      assert.equal(answer.status, 400)
      assert.match(answer.text, /online/)
    })

    test('exits with a message that names an invalid variable', async (t) => {
      const env = { SHAZBOT_GOSSIP_INTERVAL: 'soon' }
      const program = await start(t, { store: await createMasterListStore(t), env })
      const { code } = await program.exited
      assert.equal(code, 1)
      assert.match(program.output, /SHAZBOT_GOSSIP_INTERVAL/)
    })
  })
}
