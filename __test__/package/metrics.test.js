'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { parse } = require('yaml')
const { FAMILIES, prometheusName } = require('../../js/metrics/read.js')

const read = (file) => readFileSync(path.join(__dirname, '..', '..', 'docs', file), 'utf8')
const document = read('metrics.md')
const rules = parse(read('alerts.yml')).groups.flatMap((group) => group.rules)

/** The names of metrics in expressions, without the suffixes of histograms. */
const namesIn = (text) =>
  [...text.matchAll(/clustershazbot_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''))

describe('the documents of the metrics', () => {
  test('describe each metric with its kind and its labels', () => {
    const rows = [...document.matchAll(/^\| `(clustershazbot_\w+)` \| (\w+) \| (.*?) ?\| .+ \|$/gm)]
    assert.deepEqual(
      rows.map(([, name, kind, labels]) => [name, kind, [...labels.matchAll(/`(\w+)`/g)].map(([, l]) => l)]),
      FAMILIES.map((family) => [prometheusName(family), family.type, family.labelNames]),
    )
  })

  test('list each value of the labels', () => {
    const events = read('events.md')
    const labels = document.slice(document.indexOf('## Labels'))
    for (const { samples } of FAMILIES) {
      for (const [label, value] of samples.flatMap(({ labels }) => Object.entries(labels))) {
        const text = label === 'type' || label === 'cause' ? events : labels
        assert.ok(text.includes(`\`${value}\``), `${label} ${value}`)
      }
    }
  })

  test('use metrics that exist', () => {
    const known = FAMILIES.map(prometheusName)
    const dashboard = JSON.parse(read('grafana.json'))
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    for (const expression of [...shown, ...rules.map(({ expr }) => expr)])
      for (const name of namesIn(expression)) assert.ok(known.includes(name), `${name} in ${expression}`)
    const missing = known.filter((name) => !namesIn(shown.join(' ')).includes(name))
    // The latter is part of the members online.
    assert.deepEqual(missing, ['clustershazbot_info', 'clustershazbot_native_members'])
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  })

  test('list each alert', () => {
    const listed = [...document.matchAll(/^\| `(Clustershazbot\w+)` \|/gm)].map(([, name]) => name)
    assert.deepEqual(
      listed,
      rules.map(({ alert }) => alert),
    )
  })
})
