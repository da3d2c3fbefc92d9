import { summary } from './statistics.mjs'

/**
 * @typedef {object} Row a figure
 * @property {string} name the measured quantity
 * @property {number} [servers] the size of the cluster
 * @property {string} unit
 * @property {number} value the median
 * @property {number} [low] the quartiles
 * @property {number} [high]
 * @property {number} [reference] the reference peer's value
 * @property {number} [ratio] the median of the ratios to the reference
 * @property {{ of: 'value' | 'ratio', most: number }} [wanted] the target
 */

/** @returns {Row} a figure from several measurements, and those of the reference peer in turn */
export function row({ name, servers, unit = 'µs', numbers, reference, wanted }) {
  if (!reference) return { name, servers, unit, ...summary(numbers), wanted }
  const ratio = summary(numbers.map((number, index) => number / reference[index])).value
  return { name, servers, unit, ...summary(numbers), reference: summary(reference).value, ratio, wanted }
}

/** Whether a figure meets its target; undefined without a target. */
export function isMet({ wanted, ...figures }) {
  return wanted && figures[wanted.of] <= wanted.most
}
