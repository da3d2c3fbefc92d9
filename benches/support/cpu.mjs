import { readFileSync } from 'node:fs'

const neverNotified = new Int32Array(new SharedArrayBuffer(4))

/** Milliseconds of sleep, after which Linux has updated the CPU time of a thread. */
const SLEEP = 0.05

/** Returns the CPU time of the main thread in µs; needs Linux, which reports nanoseconds. */
export function cpuTime() {
  Atomics.wait(neverNotified, 0, 0, SLEEP)
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
}
