/** Clusters of real processes: how fast news reaches all, and the cost of the steady state. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const title = 'Clusters of processes'
export const about = 'With default settings: `npm run bench:clusters`.'

export async function measure({ quick = false, progress = () => {} } = {}) {
  const [sizes, events] = quick ? ['3', 1] : ['3,10,25,50', 3]
  progress(`${sizes} processes`)
  const folder = mkdtempSync(join(tmpdir(), 'clusters-'))
  try {
    const json = join(folder, 'results.json')
    const program = fileURLToPath(new URL('./clusters.mjs', import.meta.url))
    const options = ['--servers', sizes, '--events', `${events}`, '--json', json]
    // Its exit code only says that a target is missed, as the figures do.
    spawnSync(process.execPath, [program, ...options], { stdio: ['ignore', 'inherit', 'inherit'] })
    const { rows, results } = JSON.parse(readFileSync(json, 'utf8'))
    return results.flatMap((result) => Object.entries(rows).map(([name, row]) => figure(result, name, row)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function figure(result, name, { text, unit, wanted }) {
  const { median, max } = result[name]
  const target = wanted === undefined ? undefined : { of: 'value', most: wanted }
  return { name: text, servers: result.servers, unit, value: median, high: max, wanted: target }
}
