'use strict'

const { AssertionError } = require('node:assert')

/** A line of the text format: its name, its labels in braces, its value. */
const LINE = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/

/**
 * Reads metrics in the text format of Prometheus.
 *
 * @param {string} text
 */
function readMetrics(text) {
  const samples = new Map()
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const match = LINE.exec(line)
    if (!match) throw new AssertionError({ message: `not a sample: ${line}` })
    const key = match[2] === undefined ? match[1] : `${match[1]}{${match[2]}}`
    if (samples.has(key)) throw new AssertionError({ message: `a second ${key}` })
    samples.set(key, Number(match[3]))
  }
  return new Metrics(text, samples)
}

class Metrics {
  constructor(text, samples) {
    this.text = text
    this.samples = samples
  }

  /** The names of all samples, without their labels. */
  get names() {
    return [...new Set([...this.samples.keys()].map((key) => key.split('{')[0]))]
  }

  /**
   * The value of a sample; undefined if there is none.
   *
   * @param {string} name without `clustershazbot_`, with all its labels in braces
   */
  of(name) {
    return this.samples.get(`clustershazbot_${name}`)
  }

  /** The sum of all samples of a name that have these labels. */
  sum(name, labels = {}) {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return [...this.samples]
      .filter(([key]) => key.split('{')[0] === `clustershazbot_${name}`)
      .filter(([key]) => wanted.every((pair) => key.includes(pair)))
      .reduce((sum, [, value]) => sum + value, 0)
  }
}

module.exports = { readMetrics }
