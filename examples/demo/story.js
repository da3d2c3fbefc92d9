import { allKeepSeeing, allSee, expect, until } from './watch.js'

// A server that has not answered another one yet may not listen yet, and is not declared dead for
// 27 s. Each server probes another one per second, so by then each has been answered by all four.
const ALL_PROBED_AFTER = 6_000
const STILL_DEAD_AFTER = 3_000

/**
 * The demo's story: five servers find each other, one crashes, one leaves, the crashed one returns.
 * Resolves with the events and the seconds until all knew; rejects if an expectation fails.
 */
export async function runStory(cluster, screen) {
  const { members } = cluster
  const [crashing, leaving] = members.slice(-2)
  const without = (...absent) => members.filter((member) => !absent.includes(member))
  const timings = []

  async function chapter(text, event, online) {
    screen.chapter(text)
    const begin = performance.now()
    event()
    await allSee(online, cluster, screen)
    const seconds = (performance.now() - begin) / 1000
    screen.success(`all know after ${seconds.toFixed(1)} s`)
    timings.push({ text, seconds })
  }

  await chapter(
    'Five servers start; each knows only the URL of the master list',
    () => {
      for (const member of members) member.start()
    },
    members,
  )
  await allKeepSeeing(members, ALL_PROBED_AFTER, cluster, screen)
  screen.success('all have probed each other: each server sends one probe per second')

  await chapter(
    `${crashing.name} is killed (SIGKILL), without an announcement`,
    () => crashing.kill(),
    without(crashing),
  )
  await allKeepSeeing(without(crashing), STILL_DEAD_AFTER, cluster, screen)
  screen.success(`${crashing.name} stays dead: no old news brings it back`)

  await chapter(`${leaving.name} leaves (SIGTERM)`, () => leaving.leave(), without(crashing, leaving))
  await until(
    () => !leaving.running,
    () => `${leaving.name}'s process still runs`,
    cluster,
  )
  expect(
    leaving.state === 'left',
    `${leaving.name} should have left, but it ${leaving.state}\n${leaving.log}`,
  )
  expect(!cluster.isListed(leaving), `${leaving.name} has left, but is still on the master list`)
  screen.success(`${leaving.name}'s process ended by itself, and it is no longer on the master list`)

  await chapter(
    `${crashing.name} returns (including the start of its process)`,
    () => crashing.start(),
    without(leaving),
  )
  return timings
}
