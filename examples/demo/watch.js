import { setTimeout as pause } from 'node:timers/promises'

const POLL_INTERVAL = 50
const TIMEOUT = 60_000

/** Polls and shows all lists until each of these servers lists exactly these servers as online. */
export async function allSee(online, cluster, screen) {
  let objection
  await until(
    async () => {
      objection = await poll(online, cluster, screen)
      return objection === undefined
    },
    () => objection,
  )
}

/** Checks for `lasting` ms that no list changes. */
export async function allKeepSeeing(online, lasting, cluster, screen) {
  const deadline = performance.now() + lasting
  while (performance.now() < deadline) {
    const objection = await poll(online, cluster, screen)
    expect(objection === undefined, `all knew, but then ${objection}`)
    await pause(POLL_INTERVAL)
  }
}

export async function until(condition, message) {
  const deadline = performance.now() + TIMEOUT
  while (!(await condition())) {
    expect(performance.now() < deadline, `after ${TIMEOUT / 1000} s ${message()}`)
    await pause(POLL_INTERVAL)
  }
}

export function expect(condition, message) {
  if (!condition) throw new Error(message)
}

/** Polls and shows all lists; returns the first difference from the expectation, if any. */
async function poll(online, cluster, screen) {
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
