import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { mock, test } from 'node:test'
import { shazbotGetServerList, shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotHandler } from 'clustershazbot/node'

test('an hour of the program passes, and the engine keeps its own time', async (t) => {
  const server = createServer(shazbotHandler())
  await new Promise<void>((resolve) => server.listen(Number(process.env.PORT ?? 3000), resolve))
  t.after(() => server.close())
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 0 })
  t.after(() => mock.timers.reset())

  await shazbotStart()
  t.after(() => shazbotShutDown())
  let rounds = 0
  setInterval(() => rounds++, 60_000)
  mock.timers.tick(3_600_000)

  assert.equal(rounds, 60)
  const [self] = shazbotGetServerList().online
  // The engine reads the machine's clock, not the fake one, which stands at 1970.
  assert.ok(self !== undefined && self.lastUpdate > Date.UTC(2020))
})
