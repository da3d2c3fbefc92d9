'use strict'

const { BOUNDS } = require('./families.js')
const { FAMILIES, prometheusName, readWords } = require('./read.js')

/**
 * The parts of the text that never change: a head for each metric, and the beginning of each line.
 * Made by the first call.
 *
 * @type {{ head: string, lines: { begin: string, word: number }[], name: string, read?: Function }[]}
 */
let frame

/** Returns all metrics in the text format of Prometheus. */
function metricsText() {
  frame ??= FAMILIES.map(frameOf)
  const words = readWords()
  let text = ''
  for (const { head, lines, name, read } of frame) {
    let body = ''
    if (words) {
      for (const { begin, word } of lines) {
        const value = words[word]
        // A sample that does not exist yet is not a number.
        if (!Number.isNaN(value)) body += `${begin}${value}\n`
      }
    }
    for (const { labels, value } of read?.() ?? []) body += `${beginOf(name, labels)}${value}\n`
    if (body !== '') text += head + body
  }
  return text
}

function frameOf(family) {
  const name = prometheusName(family)
  const head = `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`
  const lines = family.samples.flatMap((sample) =>
    family.type === 'histogram' ? linesOfHistogram(name, sample) : lineOf(name, sample),
  )
  return { head, lines, name, read: family.read }
}

function lineOf(name, { labels, word }) {
  return { begin: beginOf(name, labels), word }
}

function linesOfHistogram(name, { labels, word }) {
  const buckets = BOUNDS.map((bound, index) =>
    lineOf(`${name}_bucket`, { labels: { ...labels, le: boundText(bound) }, word: word + index }),
  )
  const sum = lineOf(`${name}_sum`, { labels, word: word + BOUNDS.length })
  const count = lineOf(`${name}_count`, { labels, word: word + BOUNDS.length - 1 })
  return [...buckets, sum, count]
}

function boundText(bound) {
  return bound === Infinity ? '+Inf' : String(bound)
}

/** Labels need no escaping: none of them has a value from outside. */
function beginOf(name, labels) {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return pairs.length > 0 ? `${name}{${pairs.join(',')}} ` : `${name} `
}

module.exports = { boundText, metricsText }
