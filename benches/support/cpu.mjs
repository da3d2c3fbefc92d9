import { readFileSync } from 'node:fs'

const neverNotified = new Int32Array(new SharedArrayBuffer(4))

/** Milliseconds of sleep, after which Linux has updated the CPU time of a thread. */
const SLEEP = 0.05
/** The most sleeps for a CPU time. Some kernels do not count how often a thread has run. */
const MAX_SLEEPS = 20

/** How often Linux had run the main thread when it was last read. */
let lastRuns = -1

/** Returns the CPU time of the main thread in µs; needs Linux, which reports nanoseconds. */
export function cpuTime() {
  for (let sleeps = 1; ; sleeps++) {
    Atomics.wait(neverNotified, 0, 0, SLEEP)
    const [nanoseconds, , runs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
      .split(' ')
      .map(Number)
    // If the deadline had passed before the wait began, there was no sleep.
    if (runs === lastRuns && sleeps < MAX_SLEEPS) continue
    lastRuns = runs
    return nanoseconds / 1_000
  }
}
