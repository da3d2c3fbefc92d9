import { readFileSync } from 'node:fs'

const neverNotified = new Int32Array(new SharedArrayBuffer(4))

/** Milliseconds of sleep, after which Linux has updated the CPU time of a thread. */
const SLEEP = 0.05

/** How often Linux had run the main thread when it was last read. */
let lastRuns = -1

/** Returns the CPU time of the main thread in µs. */
export function cpuTime() {
  for (;;) {
    Atomics.wait(neverNotified, 0, 0, SLEEP)
    const { microseconds, runs } = mainThread(process.pid)
    // If the deadline had passed before the wait began, there was no sleep.
    if (runs === lastRuns) continue
    lastRuns = runs
    return microseconds
  }
}

/**
 * Returns the CPU time of the main thread of another process in µs. If that runs, the time since it
 * last began to run is missing.
 */
export const cpuTimeOf = (pid) => mainThread(pid).microseconds

/** Needs a Linux that counts the times and runs of threads; it reports nanoseconds. */
function mainThread(pid) {
  const [nanoseconds, , runs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8')
    .split(' ')
    .map(Number)
  if (runs === 0) throw new Error('This Linux does not count the CPU times of threads')
  return { microseconds: nanoseconds / 1_000, runs }
}
