import { setTimeout as pause } from 'node:timers/promises'

const BETWEEN_LOOKS = 50
const PATIENCE = 60_000

/** Polls all lists, and shows them, until each of these servers sees exactly these servers online. */
export async function everybodySees(online, cluster, screen) {
  let objection
  await until(
    async () => {
      objection = await look(online, cluster, screen)
      return objection === undefined
    },
    () => objection,
  )
}

/** Watches for so many milliseconds that nobody changes its mind. */
export async function everybodyStaysWith(online, lasting, cluster, screen) {
  const deadline = performance.now() + lasting
  while (performance.now() < deadline) {
    const objection = await look(online, cluster, screen)
    expect(objection === undefined, `everybody knew, but then ${objection}`)
    await pause(BETWEEN_LOOKS)
  }
}

export async function until(condition, complaint) {
  const deadline = performance.now() + PATIENCE
  while (!(await condition())) {
    expect(performance.now() < deadline, `after ${PATIENCE / 1000} s ${complaint()}`)
    await pause(BETWEEN_LOOKS)
  }
}

export function expect(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

/** Asks everybody and shows the answers; returns who is in the way of the expectation, and how, if anybody is. */
async function look(online, cluster, screen) {
  const view = await cluster.view()
  screen.show(cluster.members, view)
  for (const observer of online) {
    expect(observer.running, `${observer.name} should run, but it ${observer.state}\n${observer.log}`)
    const list = view.get(observer)
    if (list === undefined) return `${observer.name} does not answer\n${observer.log}`
    for (const subject of cluster.members) {
      const isSeen = list.get(subject.url) === 'online'
      if (isSeen === online.includes(subject)) continue
      return `${observer.name} ${isSeen ? 'still sees' : 'does not see'} ${subject.name} online`
    }
  }
}
