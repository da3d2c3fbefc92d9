import { isMet } from './row.mjs'
import { number, share, target } from './text.mjs'

/**
 * Prints the targets that were missed, each with the ratio of its figure to it, the largest first.
 *
 * @param {(import('./row.mjs').Row & { part: string })[]} rows
 */
export function printMissed(rows) {
  const targeted = rows.filter(({ wanted }) => wanted)
  const missed = targeted.filter((row) => !isMet(row)).toSorted((one, other) => excess(other) - excess(one))
  console.log(`\n${targeted.length - missed.length} of ${targeted.length} targets are met`)
  for (const row of missed) {
    const { part, name, servers, wanted, unit } = row
    const which = [part, name, ...(servers ? [`${number(servers)} servers`] : [])].join(', ')
    const figure = wanted.of === 'ratio' ? share(row.ratio) : `${number(row.value)} ${unit}`
    console.log(`  ${which}: ${figure} instead of ${target(row)}: ${number(excess(row))} × the target`)
  }
}

function excess({ wanted, ...figures }) {
  return figures[wanted.of] / wanted.most
}
