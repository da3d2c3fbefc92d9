/** Prints what each of some agents of HashiCorp's serf sends per second at rest, as JSON. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import eventually from '../../__test__/support/eventually.js'
import ports from '../../__test__/support/ports.js'
import { atRest, ofOthers } from './loopback.mjs'

/** Milliseconds for all that follows the joins. */
const SETTLED_AFTER = 30_000

const input = JSON.parse(process.argv[2])
const agents = []
try {
  const others = await ofOthers(input)
  for (let i = 0; i < input.servers; i++) agents.push(await startAgent(i))
  await eventually.eventually(async () => (await members()) === input.servers, {
    within: 60_000,
    every: 500,
    what: 'all agents know each other',
  })
  await pause(SETTLED_AFTER)
  console.log(JSON.stringify(await atRest(input, others)))
} finally {
  for (const { process } of agents) process.kill('SIGKILL')
}

async function startAgent(number) {
  const [address, control] = [await addressOfAgent(), await addressOfAgent()]
  const words = ['agent', `-node=${number}`, `-bind=${address}`, `-rpc-addr=${control}`]
  if (number > 0) words.push(`-retry-join=${agents[0].address}`, '-retry-interval=1s')
  return { address, control, process: spawn('serf', words, { stdio: 'ignore' }) }
}

async function addressOfAgent() {
  return `127.0.0.1:${await ports.freePort()}`
}

/** The fewest living members that an agent lists. */
async function members() {
  const counts = agents.map(async ({ control }) => {
    const words = ['members', '-status=alive', '-format=json', `-rpc-addr=${control}`]
    const listing = spawn('serf', words, { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    listing.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    const [status] = await once(listing, 'close')
    return status === 0 ? JSON.parse(text).members.length : 0
  })
  return Math.min(...(await Promise.all(counts)))
}
