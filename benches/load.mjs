/**
 * How long it takes to load the package, in programs that do nothing else: `node benches/load.mjs [processes]`.
 * At most 10 ms are wanted. The first process, which may still have to read the files from the disk, is not counted.
 */

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROCESSES = Number(process.argv[2] ?? 20)

for (const program of ['require.cjs', 'import.mjs']) {
  const once = () => timeToLoad(program)
  once()
  const times = Array.from({ length: PROCESSES }, once).sort((one, other) => one - other)
  const [fastest, median, slowest] = [0, PROCESSES >> 1, PROCESSES - 1].map((at) => times[at].toFixed(1))
  console.log(`${program.padEnd(13)}${median} ms (${fastest} to ${slowest}, ${PROCESSES} processes)`)
}

function timeToLoad(program) {
  const path = fileURLToPath(new URL(`load/${program}`, import.meta.url))
  return Number(execFileSync(process.execPath, [path], { encoding: 'utf8' }))
}
