'use strict'

const { Counter, Gauge, Histogram, register } = require('prom-client')
const { BOUNDS } = require('./families.js')
const { FAMILIES, prometheusName, readWords, samplesOf } = require('./read.js')
const { boundText } = require('./text.js')

/** The registry of the last call. */
let registered

/** Registers all metrics; see `prom-client.d.ts`. */
function shazbotPromClient(registry = register) {
  if (typeof registry?.registerMetric !== 'function')
    throw new TypeError('The registry must be a Registry of prom-client')
  for (const family of FAMILIES) {
    const name = prometheusName(family)
    registered?.removeSingleMetric(name)
    // Another load of this module may have registered it.
    registry.removeSingleMetric(name)
  }
  registered = registry
  for (const family of FAMILIES) define(family, registry)
}

function define(family, registry) {
  const options = {
    name: prometheusName(family),
    help: family.help,
    labelNames: family.labelNames,
    registers: [registry],
  }
  if (family.type === 'histogram') defineHistogram(family, options)
  else if (family.type === 'counter') new Counter({ ...options, collect: collector(family, 'inc') })
  // The processes of Node's cluster mostly see the same servers.
  else new Gauge({ ...options, aggregator: 'max', collect: collector(family, 'set') })
}

/** Returns the function that replaces all samples before they are read. */
function collector(family, method) {
  return function collect() {
    this.reset()
    // A metric without labels has a sample after a reset, which may not exist here.
    if (family.labelNames.length === 0) this.remove()
    for (const { labels, value } of samplesOf(family, wordsOfThisTick())) this[method](labels, value)
  }
}

/** prom-client only counts observations itself, so what it reads is replaced. */
function defineHistogram({ samples }, options) {
  const buckets = BOUNDS.slice(0, -1)
  const histogram = new Histogram({ ...options, buckets })
  const { name, help, aggregator } = histogram
  const read = async () => {
    const words = wordsOfThisTick()
    const values = words ? samples.flatMap((sample) => valuesOf(name, sample, words)) : []
    return { name, help, type: 'histogram', values, aggregator }
  }
  Object.assign(histogram, { get: read, getForPromString: read })
}

function valuesOf(name, { labels, word }, words) {
  const buckets = BOUNDS.map((bound, index) => ({
    metricName: `${name}_bucket`,
    labels: { le: boundText(bound), ...labels },
    value: words[word + index],
  }))
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: words[word + BOUNDS.length] },
    { metricName: `${name}_count`, labels, value: words[word + BOUNDS.length - 1] },
  ]
}

/** What was read in this tick: a registry collects all metrics at once. */
let latest

function wordsOfThisTick() {
  if (!latest) {
    latest = { words: readWords() }
    queueMicrotask(() => {
      latest = undefined
    })
  }
  return latest.words
}

module.exports = { shazbotPromClient }
