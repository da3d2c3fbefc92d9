import { setTimeout as pause } from 'node:timers/promises'

const BETWEEN_LOOKS = 50
const PATIENCE = 12_000
const WATCHED = 2000

/** What the demo tells: five servers find each other, one crashes, one leaves, the crashed one comes back. */
export async function tellStory(cluster, screen) {
  const { members } = cluster
  const [crashing, leaving] = members.slice(-2)
  const knownAfter = []

  async function chapter(text, event, online) {
    screen.chapter(text)
    const begin = performance.now()
    event()
    await untilAll(cluster, screen, online)
    const seconds = `${((performance.now() - begin) / 1000).toFixed(1)} s`
    screen.success(`everybody knows after ${seconds}`)
    knownAfter.push([text, seconds])
  }

  await chapter(
    'Five servers start; each knows nothing but the address of the master list',
    () => {
      for (const member of members) member.start()
    },
    members,
  )

  const survivors = members.filter((member) => member !== crashing)
  await chapter(`${crashing.name} is killed (SIGKILL), nobody is told`, () => crashing.kill(), survivors)
  await stays(cluster, screen, survivors)
  screen.success(`${crashing.name} stays dead: no stale news brings it back`)

  const remaining = survivors.filter((member) => member !== leaving)
  await chapter(`${leaving.name} leaves (SIGTERM)`, () => leaving.leave(), remaining)
  await until(
    () => !leaving.running,
    () => `${leaving.name}'s process still runs`,
  )
  expect(
    leaving.state === 'left',
    `${leaving.name} should have ended with code 0, but it ${leaving.state}\n${leaving.log}`,
  )
  const listed = cluster.store.list().online.map(({ baseUrl }) => baseUrl)
  expect(!listed.includes(leaving.url), `${leaving.name} left, but the master list still names it`)
  screen.success(`${leaving.name}'s process ended by itself, and the master list does not name it any more`)

  const returned = members.filter((member) => member !== leaving)
  await chapter(
    `${crashing.name} comes back, with the start of its process`,
    () => crashing.start(),
    returned,
  )
  return knownAfter
}

/** Polls all lists, and shows them, until each running server sees exactly these servers online. */
async function untilAll(cluster, screen, online) {
  let objection
  const everybodyKnows = async () => {
    objection = await look(cluster, screen, online)
    return objection === undefined
  }
  await until(everybodyKnows, () => objection)
}

async function until(condition, complaint) {
  const deadline = performance.now() + PATIENCE
  while (!(await condition())) {
    expect(performance.now() < deadline, `after ${PATIENCE / 1000} s ${complaint()}`)
    await pause(BETWEEN_LOOKS)
  }
}

/** Watches for a while that nobody changes its mind. */
async function stays(cluster, screen, online) {
  const deadline = performance.now() + WATCHED
  while (performance.now() < deadline) {
    const objection = await look(cluster, screen, online)
    expect(objection === undefined, `everybody knew, but then ${objection}`)
    await pause(BETWEEN_LOOKS)
  }
}

/** Asks everybody and shows the answers; returns who is in the way of the expectation, and how, if anybody is. */
async function look(cluster, screen, online) {
  const view = await cluster.view()
  screen.show(cluster.members, view)
  return objectionTo(cluster, view, online)
}

function objectionTo(cluster, view, online) {
  for (const observer of online) {
    const list = view.get(observer)
    if (list === undefined) return `${observer.name} (${observer.state}) does not answer\n${observer.log}`
    for (const subject of cluster.members) {
      const [seen, running] = [list.get(subject.url) === 'online', online.includes(subject)]
      if (seen !== running)
        return `${observer.name} ${seen ? 'still sees' : 'does not see'} ${subject.name} online`
    }
  }
}

function expect(condition, complaint) {
  if (!condition) throw new Error(complaint)
}
