import { isMet } from './row.mjs'

/** The format of figures, in the terminal and in the document. */

/** Formats a number with three digits. */
export function number(value) {
  if (value === undefined) return ''
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  const rounded = Number(value.toPrecision(3))
  return rounded.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 3) })
}

/** The columns of a row: name, servers, figure, spread, reference, ratio and target. */
export function cells(row) {
  const { name, servers, unit, value, low, high, reference, ratio } = row
  return [
    name,
    servers?.toLocaleString('en-US') ?? '',
    `${number(value)} ${unit}`,
    spread(low, high),
    reference === undefined ? '' : `${number(reference)} ${unit}`,
    ratio === undefined ? '' : share(ratio),
    verdict(row),
  ]
}

export const HEADINGS = ['', 'servers', 'median', 'spread', 'reference', 'ratio', 'target']

function spread(low, high) {
  if (low === high || high === undefined) return ''
  return low === undefined ? `at most ${number(high)}` : `${number(low)} to ${number(high)}`
}

/** Returns the target of a row that has one. */
export function target({ wanted: { of, most }, unit }) {
  return `≤ ${of === 'ratio' ? share(most) : `${number(most)} ${unit}`}`
}

/** Shows a small share as a fraction. */
export function share(ratio) {
  return ratio < 0.1 ? `1/${number(1 / ratio)}` : number(ratio)
}

function verdict(row) {
  return row.wanted ? `${target(row)}: ${isMet(row) ? 'met' : '**not met**'}` : ''
}
