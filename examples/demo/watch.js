const TIMEOUT = 60_000

/** Shows all lists until each of these servers lists exactly these servers as online. */
export async function allSee(online, cluster, screen) {
  let objection
  await until(
    () => {
      objection = look(online, cluster, screen)
      return objection === undefined
    },
    () => objection,
    cluster,
  )
}

/** Checks for `lasting` ms that no list changes. */
export async function allKeepSeeing(online, lasting, cluster, screen) {
  const end = AbortSignal.timeout(lasting)
  do {
    const objection = look(online, cluster, screen)
    expect(objection === undefined, `all knew, but then ${objection}`)
  } while (await cluster.changed(end))
}

/** Checks a condition after each change until it holds. */
export async function until(condition, message, cluster) {
  const end = AbortSignal.timeout(TIMEOUT)
  while (!condition()) {
    const isInTime = await cluster.changed(end)
    expect(isInTime, `after ${TIMEOUT / 1000} s ${message()}`)
  }
}

export function expect(condition, message) {
  if (!condition) throw new Error(message)
}

/** Shows all lists; returns the first difference from the expectation, if any. */
function look(online, cluster, screen) {
  const view = cluster.view()
  screen.show(cluster.members, view)
  for (const observer of online) {
    expect(observer.running, `${observer.name} should run, but it ${observer.state}\n${observer.log}`)
    const list = view.get(observer)
    if (list === undefined) return `${observer.name} tells nothing\n${observer.log}`
    for (const subject of cluster.members) {
      const isSeen = list.get(subject.url) === 'online'
      if (isSeen === online.includes(subject)) continue
      return `${observer.name} ${isSeen ? 'still sees' : 'does not see'} ${subject.name} online`
    }
  }
}
