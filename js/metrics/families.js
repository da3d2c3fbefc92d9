'use strict'

const { MetricWord, VERSION } = require('../engine/addon.js')
const { receivedRequests } = require('../requests/received.js')
const { watchers } = require('../events/watchers.js')

// The labels' values are in the order of the words that `src/binding/layout.rs` describes.
const STATES = ['online', 'suspect', 'dead', 'left']
const PHASES = ['starting', 'running', 'drained', 'leaving']
const TYPES = ['up', 'suspect', 'trust', 'down', 'leave', 'forget']
const CAUSES = ['answered', 'said', 'refused', 'silent', 'rumour', 'list', 'control', 'age']
const REASONS = [
  'malformed',
  'url',
  'address',
  'not-allowed',
  'unusual',
  'stamp',
  'far-ahead',
  'surplus',
  'full',
]
const KINDS = ['gossip', 'probe', 'sync', 'list', 'own-url', 'download', 'upload']
const OUTCOMES = ['ok', 'rejected', 'withheld', 'invalid', 'refused', 'timeout', 'failed']
const OPERATIONS = ['download', 'upload']

/** Upper bounds of the buckets of durations, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, Infinity]

/**
 * A metric with all its samples. The engine's numbers are words of a buffer; `read` returns those
 * that JavaScript counts.
 *
 * @typedef {object} Family
 * @property {string} name without the prefix of the package, the unit and `_total`
 * @property {'gauge' | 'counter' | 'histogram'} type
 * @property {'s' | 'By' | '1' | string} unit as in UCUM: those in braces are no part of names
 * @property {string} help
 * @property {string[]} labelNames
 * @property {Sample[]} samples of the engine; those of a histogram are its series
 * @property {() => { labels: Record<string, string>, value: number }[]} [read]
 */

/**
 * @typedef {object} Sample
 * @property {Record<string, string>} labels
 * @property {number} word its place in the buffer; not a number there if there is no such sample
 */

/** @type {Family[]} */
const FAMILIES = [
  {
    ...gauge('info', '', 'The version of the package'),
    labelNames: ['version'],
    read: () => [{ labels: { version: VERSION }, value: 1 }],
  },
  {
    ...gauge('members', '{server}', 'Servers by state; suspects are not counted as online'),
    ...words(MetricWord.Members, { state: STATES }),
  },
  {
    ...gauge('native_members', '{server}', 'Online servers that speak the native protocol'),
    ...words(MetricWord.Natives),
  },
  {
    ...gauge('phase', '', '1 for the phase of this server, else 0'),
    ...words(MetricWord.Phases, { phase: PHASES }),
  },
  {
    ...gauge('isolated', '', '1 while this server reaches almost no other one, else 0'),
    ...words(MetricWord.IsIsolated),
  },
  {
    ...counter('view_changes', '{change}', 'Changes of the states of servers'),
    ...words(MetricWord.Changes, { type: TYPES, cause: CAUSES }),
  },
  {
    ...counter('suspicions', '{suspicion}', 'Suspicions that have ended, by their outcome'),
    ...words(MetricWord.Suspicions, { outcome: ['refuted', 'confirmed'] }),
  },
  {
    ...counter('refutations', '{refutation}', 'Refuted claims that this server is suspect or offline'),
    ...words(MetricWord.Refutations),
  },
  {
    ...counter('requests', '{request}', 'Requests of this server that have ended'),
    ...words(MetricWord.Requests, { kind: KINDS, outcome: OUTCOMES }),
  },
  {
    name: 'request_duration',
    type: 'histogram',
    unit: 's',
    help: 'How long the requests of this server have taken',
    ...words(MetricWord.Durations, { kind: KINDS }, BOUNDS.length + 1),
  },
  {
    ...counter('received_requests', '{request}', 'Requests that this server has received'),
    labelNames: ['route', 'wire', 'outcome'],
    samples: ['native', 'plain'].map((wire, index) => ({
      labels: { route: 'gossip', wire, outcome: 'ok' },
      word: MetricWord.Received + index,
    })),
    read: receivedRequests,
  },
  {
    ...counter('sent', 'By', 'Bytes of the bodies of requests of this server'),
    ...words(MetricWord.SentBytes),
  },
  {
    ...counter('received', 'By', 'Bytes of the bodies of responses to this server'),
    ...words(MetricWord.ReceivedBytes),
  },
  {
    ...counter('refused_claims', '{claim}', 'Claims about servers that were refused'),
    ...words(MetricWord.RefusedClaims, { reason: REASONS }),
  },
  {
    ...gauge('requests_in_flight', '{request}', 'Requests of this server that wait for their responses'),
    ...words(MetricWord.InFlight),
  },
  {
    ...gauge('health_score', '{score}', 'How unreliable the observations of this server are, from 0 to 7'),
    ...words(MetricWord.HealthScore),
  },
  {
    ...gauge('event_loop_lag', 's', 'How long the event loop took to answer the engine last'),
    ...words(MetricWord.Lag),
  },
  {
    ...gauge('disagreeing_answers', '1', 'The share of the last 16 native answers with another hash'),
    ...words(MetricWord.Disagreement),
  },
  {
    ...gauge('master_list_last_success_timestamp', 's', 'When the master list was last read or up to date'),
    labelNames: ['operation'],
    samples: [MetricWord.DownloadedAt, MetricWord.UploadedAt].map((word, index) => ({
      labels: { operation: OPERATIONS[index] },
      word,
    })),
  },
  {
    ...counter('master_list_failures', '{failure}', 'Failed downloads and uploads of the master list'),
    ...words(MetricWord.MasterListFailures, { operation: OPERATIONS }),
  },
  {
    ...gauge('watchers', '{watcher}', 'Watches that wait for changes, and open streams'),
    read: () => [{ labels: {}, value: watchers.open }],
  },
  {
    ...counter('watch_overruns', '{overrun}', 'How often a watch or a stream was told a difference instead'),
    read: () => [{ labels: {}, value: watchers.overruns }],
  },
]

function gauge(name, unit, help) {
  return { name, type: 'gauge', unit, help, labelNames: [], samples: [] }
}

function counter(name, unit, help) {
  return { ...gauge(name, unit, help), type: 'counter' }
}

/** Returns the samples for all values of the labels, from a word on. */
function words(first, values = {}, size = 1) {
  const labelNames = Object.keys(values)
  let all = [{}]
  for (const name of labelNames)
    all = all.flatMap((labels) => values[name].map((value) => ({ ...labels, [name]: value })))
  return { labelNames, samples: all.map((labels, index) => ({ labels, word: first + index * size })) }
}

module.exports = { BOUNDS, FAMILIES }
