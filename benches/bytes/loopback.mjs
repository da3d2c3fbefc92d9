import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * The traffic of other programs is measured beforehand, for this share of the time. A network of
 * its own has none.
 */
const SHARE_OF_OTHERS = 1 / 4

/**
 * Measures the loopback device for some seconds while servers run; the last argument is what
 * `traffic` returned before they started.
 */
export async function atRest({ servers, seconds }, others) {
  const { bytes, opened } = await traffic(seconds)
  return { bytes: (bytes - others.bytes) / servers, opened: (opened - others.opened) / servers }
}

export const ofOthers = ({ seconds }) => traffic(seconds * SHARE_OF_OTHERS)

/** Bytes and new connections per second. */
async function traffic(seconds) {
  const began = performance.now()
  const before = counters()
  await pause(seconds * 1_000)
  const after = counters()
  const lasted = (performance.now() - began) / 1_000
  const rate = (name) => (after[name] - before[name]) / lasted
  return { bytes: rate('bytes'), opened: rate('opened') }
}

function counters() {
  const device = /^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8'))
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8').match(/^Tcp:.*$/gm)
  const column = names.split(' ').indexOf('ActiveOpens')
  return { bytes: Number(device[1]), opened: Number(values.split(' ')[column]) }
}
