import { summary } from './statistics.mjs'

/**
 * @typedef {object} Row a figure
 * @property {string} name what was measured
 * @property {number} [servers] in a cluster of this size
 * @property {string} unit
 * @property {number} value the median
 * @property {number} [low] the quartiles
 * @property {number} [high]
 * @property {number} [reference] the same of the reference peer
 * @property {number} [ratio] the median of the ratios to it
 * @property {{ of: 'value' | 'ratio', most: number }} [wanted] the target
 */

/** @returns {Row} the figure of what was measured several times, beside what the reference peer was measured in turn */
export function row({ name, servers, unit = 'µs', numbers, reference, wanted }) {
  if (!reference) return { name, servers, unit, ...summary(numbers), wanted }
  const ratio = summary(numbers.map((number, index) => number / reference[index])).value
  return { name, servers, unit, ...summary(numbers), reference: summary(reference).value, ratio, wanted }
}

/** Whether a figure is as wanted; undefined where nothing is. */
export function isMet({ wanted, ...figures }) {
  return wanted && figures[wanted.of] <= wanted.most
}
