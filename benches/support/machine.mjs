import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, type } from 'node:os'

/** Describes the machine and the date of a measurement. */
export function machineHere() {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus()[0].model.trim()}, ${availableParallelism()} cores`,
    system: `${type()} ${release()}`,
    node: `Node.js ${process.version}`,
    rust: `rustc ${execFileSync('rustc', ['--version'], { encoding: 'utf8' }).split(' ')[1]}`,
    load: loadavg()[0].toFixed(1),
  }
}
