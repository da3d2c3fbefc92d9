'use strict'

const { metrics } = require('@opentelemetry/api')
const { VERSION } = require('../engine/addon.js')
const { BOUNDS } = require('./families.js')
const { FAMILIES, readWords, samplesOf } = require('./read.js')
const { boundText } = require('./text.js')

/** Lets a meter observe all metrics; see `opentelemetry.d.ts`. */
function shazbotOpenTelemetry(meter = metrics.getMeter('clustershazbot', VERSION)) {
  if (typeof meter?.addBatchObservableCallback !== 'function')
    throw new TypeError('The meter must be a Meter of @opentelemetry/api')
  const observers = FAMILIES.flatMap((family) =>
    family.type === 'histogram' ? observersOfHistogram(meter, family) : observerOf(meter, family),
  )
  const instruments = observers.map(({ instrument }) => instrument)
  const observe = (result) => {
    const words = readWords()
    for (const { instrument, samplesOf } of observers)
      for (const { labels, value } of samplesOf(words)) result.observe(instrument, value, labels)
  }
  meter.addBatchObservableCallback(observe, instruments)
  return () => meter.removeBatchObservableCallback(observe, instruments)
}

function observerOf(meter, family) {
  return { instrument: create(meter, family), samplesOf: (words) => samplesOf(family, words) }
}

/** OpenTelemetry has no histogram that is observed, so three counters show it. */
function observersOfHistogram(meter, family) {
  const { name, samples, help, unit } = family
  const counter = (suffix, description, unit, placesOf) => ({
    ...family,
    name: `${name}.${suffix}`,
    type: 'counter',
    help: `${help}: ${description}`,
    unit,
    samples: samples.flatMap(placesOf),
  })
  const bucketsOf = ({ labels, word }) =>
    BOUNDS.map((bound, index) => ({ labels: { ...labels, le: boundText(bound) }, word: word + index }))
  return [
    counter('bucket', 'requests up to a bound', '{request}', bucketsOf),
    counter('sum', 'all together', unit, ({ labels, word }) => [{ labels, word: word + BOUNDS.length }]),
    counter('count', 'all requests', '{request}', ({ labels, word }) => [
      { labels, word: word + BOUNDS.length - 1 },
    ]),
  ].map((family) => observerOf(meter, family))
}

function create(meter, { name, type, unit, help: description }) {
  const options = { unit, description }
  return type === 'counter'
    ? meter.createObservableCounter(`clustershazbot.${name}`, options)
    : meter.createObservableGauge(`clustershazbot.${name}`, options)
}

module.exports = { shazbotOpenTelemetry }
