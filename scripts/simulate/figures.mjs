/** The figures of the latest run of each kind: docs/simulated/figures.json. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'

/**
 * Adds the runs that are complete in this clone to the figures, unless those are newer. Returns all
 * runs with figures, and which of them are of this clone. A run loses its figures when its
 * arguments change.
 */
export function collect(runs, file) {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const found = runs.flatMap((run) => {
    const [held, measured] = [before[run.arguments.join(' ')], figuresOf(run)]
    const isHere = measured && (!held || measured.date >= held.date)
    const figures = isHere ? measured : held
    return figures ? [{ run, figures, isHere }] : []
  })
  const after = Object.fromEntries(found.map(({ run, figures }) => [run.arguments.join(' '), figures]))
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`)
  return found.map(({ run, figures: { date, results }, isHere }) => {
    return { ...run, date: date.slice(0, 10), results, isHere }
  })
}

/** When a run was complete in this clone, and the figures of the first cluster that it compares. */
function figuresOf({ path }) {
  if (!existsSync(`${path}.json`)) return undefined
  const [results] = JSON.parse(readFileSync(`${path}.json`, 'utf8')).runs
  return { date: statSync(`${path}.json`).mtime.toISOString(), results }
}
