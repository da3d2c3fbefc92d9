import { Cluster } from './cluster.js'
import { keepRunning } from './keep.js'
import { openScreen } from './screen.js'
import { runStory } from './story.js'

const NAMES = ['ada', 'bob', 'cyd', 'dan', 'eve']
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

const screen = openScreen(process.stdout)
const cluster = await Cluster.create(NAMES)
let interrupted = false
process.once('exit', () => cluster.killAll())
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.once(signal, async () => {
    interrupted = true
    await cluster.end()
    process.exit(128 + number)
  })
}

screen.title('\n  clustershazbot: five Express servers become one cluster')
screen.note(`master list: ${cluster.store.url}, downloaded every 1 to 2 s instead of every 5 to 15 minutes`)
screen.note(
  'everything else is default: a probe per second, and a gossip round every 30 s, which the demo never needs',
)
try {
  const timings = await runStory(cluster, screen)
  if (process.argv.includes('--keep')) await keepRunning(cluster, screen)
  await cluster.end()
  const stuck = cluster.members.filter(({ state }) => state !== 'left')
  if (stuck.length > 0) throw new Error(`at the end ${stuck.map(({ name, state }) => `${name} ${state}`)}`)
  screen.close()
  screen.chapter('Time until all knew')
  for (const { text, seconds } of timings) screen.log(`    ${seconds.toFixed(1).padStart(5)} s   ${text}`)
  screen.log('')
} catch (error) {
  // A signal ends the servers, so a failed expectation is no failure of the demo.
  if (interrupted) await new Promise(() => {})
  screen.failure(error.message)
  process.exit(1)
}
