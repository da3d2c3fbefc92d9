'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createRequire } = require('node:module')
const path = require('node:path')
const api = require('@opentelemetry/api')
const promClient = require('prom-client')
const { gossip, shazbot, start } = require('../support/in-process')
const { entry } = require('../support/entries')
const { readMetrics } = require('../support/metrics')
const { PACKAGE } = require('../support/subject')

const { shazbotMetrics } = require(path.join(PACKAGE, 'js', 'metrics'))
const { shazbotPromClient } = require(path.join(PACKAGE, 'js', 'metrics', 'prom-client.js'))
const { shazbotOpenTelemetry } = require(path.join(PACKAGE, 'js', 'metrics', 'opentelemetry.js'))
const recipes = createRequire(path.join(PACKAGE, 'examples', 'recipes', 'package.json'))
const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } =
  recipes('@opentelemetry/sdk-metrics')

/** Samples that differ between two readings. */
const MOVING = /lag|duration|bytes|in_flight|health|requests_total/

const steady = (metrics) => new Map([...metrics.samples].filter(([name]) => !MOVING.test(name)).sort())

/** The types and helps of all metrics, and the samples that do not move. */
function facts(text) {
  const comments = text.split('\n').filter((line) => line.startsWith('#'))
  return { comments: comments.sort(), samples: steady(readMetrics(text)) }
}

/** A reader that exports when it is told to. */
function createReader(t) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  t.after(() => provider.shutdown())
  /** Resolves with the exported metrics by their names. */
  async function collect() {
    exporter.reset()
    await provider.forceFlush()
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    return new Map(scopes.flatMap(({ metrics }) => metrics.map((metric) => [metric.descriptor.name, metric])))
  }
  return { provider, collect }
}

const pointOf = (metric, attributes) =>
  metric?.dataPoints.find((point) =>
    Object.entries(attributes).every(([name, value]) => point.attributes[name] === value),
  )?.value

describe('prom-client', () => {
  test('a registry shows the same as the text, at each reading', async (t) => {
    const registry = new promClient.Registry()
    shazbotPromClient(registry)
    const { samples } = readMetrics(await registry.metrics())
    assert.deepEqual(
      [...samples.keys()].filter((name) => !name.includes('received_requests')),
      [...readMetrics(shazbotMetrics()).samples.keys()].filter((name) => !name.includes('received_requests')),
      'without an engine',
    )
    await start(t)
    assert.deepEqual(facts(await registry.metrics()), facts(shazbotMetrics()))
    await gossip({ online: [entry('http://127.0.0.1:9/a/')] })
    const metrics = readMetrics(await registry.metrics())
    assert.equal(metrics.of('members{state="online"}'), 2)
    assert.deepEqual(facts(await registry.metrics()), facts(shazbotMetrics()))
    assert.ok(metrics.of('request_duration_seconds_count{kind="download"}') >= 1)
    const json = await registry.getMetricsAsJSON()
    assert.ok(json.find(({ name }) => name === 'clustershazbot_request_duration_seconds').values.length > 90)
    assert.equal(json.find(({ name }) => name === 'clustershazbot_members').aggregator, 'max')
    const single = await registry.getSingleMetricAsString('clustershazbot_native_members')
    assert.match(single, /^clustershazbot_native_members \d$/m)
    await shazbot.shazbotShutDown()
    assert.equal(readMetrics(await registry.metrics()).of('native_members'), undefined)
  })

  test('a second call replaces the first one, in any registry', async (t) => {
    const [first, second] = [new promClient.Registry(), new promClient.Registry()]
    t.after(() => promClient.register.clear())
    shazbotPromClient(first)
    shazbotPromClient(first)
    assert.match(await first.metrics(), /clustershazbot_info/)
    shazbotPromClient(second)
    assert.equal((await first.metrics()).trim(), '')
    assert.match(await second.metrics(), /clustershazbot_info/)
    shazbotPromClient()
    assert.equal((await second.metrics()).trim(), '')
    assert.match(await promClient.register.metrics(), /clustershazbot_info/)
    assert.throws(() => shazbotPromClient({}), TypeError)
  })

  test('the registry of a program keeps its own metrics, and may use OpenMetrics', async (t) => {
    const registry = new promClient.Registry(promClient.Registry.OPENMETRICS_CONTENT_TYPE)
    new promClient.Counter({ name: 'own', help: 'own', registers: [registry] }).inc()
    shazbotPromClient(registry)
    shazbotPromClient(registry)
    await start(t)
    const text = await registry.metrics()
    assert.match(text, /^own_total 1$/m)
    assert.match(text, /^clustershazbot_refutations_total 0$/m)
    assert.match(text, /^clustershazbot_request_duration_seconds_bucket\{le="\+Inf",kind="download"\} \d+$/m)
  })

  test('the processes of a cluster are added up, with the labels of the program', async (t) => {
    const registry = new promClient.Registry()
    registry.setDefaultLabels({ app: 'shop' })
    shazbotPromClient(registry)
    await start(t)
    const processes = [await registry.getMetricsAsJSON(), await registry.getMetricsAsJSON()]
    const text = await promClient.AggregatorRegistry.aggregate(processes).metrics()
    assert.match(text, /^clustershazbot_members\{state="online",app="shop"\} 1$/m)
    assert.match(text, /^clustershazbot_requests_total\{kind="download",outcome="ok",app="shop"\} 2$/m)
    assert.match(text, /^clustershazbot_request_duration_seconds_count\{kind="download",app="shop"\} 2$/m)
    assert.match(await registry.metrics(), /^clustershazbot_members\{state="online",app="shop"\} 1$/m)
  })
})

describe('OpenTelemetry', () => {
  test('the SDK exports all metrics by one callback, until it is stopped', async (t) => {
    const { provider, collect } = createReader(t)
    const stop = shazbotOpenTelemetry(provider.getMeter('test'))
    await start(t)
    await gossip({ online: [entry('http://127.0.0.1:9/a/')] })
    const exported = await collect()
    const value = (name, attributes = {}) => pointOf(exported.get(`clustershazbot.${name}`), attributes)
    assert.equal(value('members', { state: 'online' }), 2)
    assert.equal(value('phase', { phase: 'running' }), 1)
    assert.equal(value('view_changes', { type: 'up', cause: 'rumour' }), 1)
    assert.ok(value('requests', { kind: 'download', outcome: 'ok' }) >= 1)
    const downloads = value('request_duration.count', { kind: 'download' })
    assert.ok(downloads >= 1)
    assert.equal(value('request_duration.bucket', { kind: 'download', le: '+Inf' }), downloads)
    assert.ok(value('request_duration.sum', { kind: 'download' }) > 0)
    const { descriptor } = exported.get('clustershazbot.event_loop_lag')
    assert.equal(descriptor.unit, 's')
    assert.equal(exported.get('clustershazbot.sent').descriptor.unit, 'By')
    const attributes = [...exported.values()].flatMap(({ dataPoints }) => dataPoints)
    assert.doesNotMatch(JSON.stringify(attributes), /http|127\.0/, 'no attribute has a URL')
    const read = (name) => readMetrics(shazbotMetrics()).sum(name)
    const all = exported.get('clustershazbot.view_changes').dataPoints
    assert.equal(
      all.reduce((sum, point) => sum + point.value, 0),
      read('view_changes_total'),
    )
    stop()
    await gossip({ online: [entry('http://127.0.0.1:9/b/')] })
    const after = await collect()
    assert.notEqual(pointOf(after.get('clustershazbot.members'), { state: 'online' }), 3)
  })

  test('without an argument it uses the global meter provider', async (t) => {
    const { provider, collect } = createReader(t)
    api.metrics.setGlobalMeterProvider(provider)
    t.after(() => api.metrics.disable())
    const stop = shazbotOpenTelemetry()
    t.after(stop)
    const before = await collect()
    assert.equal(before.get('clustershazbot.info').dataPoints.length, 1, 'without an engine')
    assert.equal(before.get('clustershazbot.members')?.dataPoints.length ?? 0, 0)
    await start(t)
    const exported = await collect()
    assert.equal(pointOf(exported.get('clustershazbot.members'), { state: 'online' }), 1)
    assert.throws(() => shazbotOpenTelemetry({}), TypeError)
  })
})
