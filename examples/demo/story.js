import { everybodySees, everybodyStaysWith, expect, until } from './watch.js'

// Who has not answered a server yet may be one that does not listen yet, and is not buried by it for 27 s. Each server probes
// another one a second, so by then each has been answered by all four.
const UNTIL_ALL_HAVE_MET = 6_000
const STILL_DEAD_AFTER = 3_000

/**
 * What the demo tells: five servers find each other, one crashes, one leaves, the crashed one comes back.
 * Resolves with what happened and how many seconds it took until everybody knew; rejects where an expectation fails.
 */
export async function tellStory(cluster, screen) {
  const { members } = cluster
  const [crashing, leaving] = members.slice(-2)
  const without = (...absent) => members.filter((member) => !absent.includes(member))
  const timings = []

  async function chapter(text, event, online) {
    screen.chapter(text)
    const begin = performance.now()
    event()
    await everybodySees(online, cluster, screen)
    const seconds = (performance.now() - begin) / 1000
    screen.success(`everybody knows after ${seconds.toFixed(1)} s`)
    timings.push({ text, seconds })
  }

  await chapter(
    'Five servers start; each knows nothing but the address of the master list',
    () => {
      for (const member of members) member.start()
    },
    members,
  )
  await everybodyStaysWith(members, UNTIL_ALL_HAVE_MET, cluster, screen)
  screen.success('everybody has met everybody: they probe each other once a second')

  await chapter(
    `${crashing.name} is killed (SIGKILL); nobody is told`,
    () => crashing.kill(),
    without(crashing),
  )
  await everybodyStaysWith(without(crashing), STILL_DEAD_AFTER, cluster, screen)
  screen.success(`${crashing.name} stays dead: no old news brings it back`)

  await chapter(`${leaving.name} leaves (SIGTERM)`, () => leaving.leave(), without(crashing, leaving))
  await until(
    () => !leaving.running,
    () => `${leaving.name}'s process still runs`,
  )
  expect(
    leaving.state === 'left',
    `${leaving.name} should have left, but it ${leaving.state}\n${leaving.log}`,
  )
  expect(!cluster.isListed(leaving), `${leaving.name} has left, but the master list still names it`)
  screen.success(`${leaving.name}'s process ended by itself, and the master list does not name it any more`)

  await chapter(
    `${crashing.name} comes back (the time holds the start of its process)`,
    () => crashing.start(),
    without(leaving),
  )
  return timings
}
