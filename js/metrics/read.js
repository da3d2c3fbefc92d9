'use strict'

const addon = require('../engine/addon.js')
const { FAMILIES } = require('./families.js')

const words = new Float64Array(addon.MetricWord.Length)
const bytes = new Uint8Array(words.buffer)

/**
 * Reads the numbers of the engine. They stay valid until the next call.
 *
 * @returns {Float64Array | undefined} nothing if no engine runs
 */
function readWords() {
  return addon.readMetrics(bytes) ? words : undefined
}

/**
 * Returns the samples of a family other than a histogram.
 *
 * @param {import('./families').Family} family
 * @param {Float64Array} [words]
 * @returns {{ labels: Record<string, string>, value: number }[]}
 */
function samplesOf({ samples, read }, words) {
  const values = words ? samples.map(({ labels, word }) => ({ labels, value: words[word] })) : []
  const known = values.filter(({ value }) => !Number.isNaN(value))
  return read ? [...known, ...read()] : known
}

/** Returns the name of a metric in Prometheus. */
function prometheusName({ name, unit, type }) {
  const suffix = { s: '_seconds', By: '_bytes', 1: '_ratio' }[unit] ?? ''
  return `clustershazbot_${name}${suffix}${type === 'counter' ? '_total' : ''}`
}

module.exports = { FAMILIES, prometheusName, readWords, samplesOf }
