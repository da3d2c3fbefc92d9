import { Cluster } from './cluster.js'
import { keepRunning } from './keep.js'
import { openScreen } from './screen.js'
import { tellStory } from './story.js'

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

screen.title('\n  clustershazbot: five Express servers, one cluster')
screen.note(`master list: ${cluster.store.url}`)
try {
  const knownAfter = await tellStory(cluster, screen)
  if (process.argv.includes('--keep')) await keepRunning(cluster, screen)
  await cluster.end()
  screen.chapter('Known to everybody after')
  for (const [text, seconds] of knownAfter) screen.note(`${seconds.padStart(6)}  ${text}`)
  screen.log('')
} catch (error) {
  if (interrupted) await new Promise(() => {})
  screen.failure(error.message)
  process.exit(1)
}
