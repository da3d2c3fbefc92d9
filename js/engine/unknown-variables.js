'use strict'

const { ENGINE_NAMES } = require('./environment.js')
const { printable } = require('./printable.js')

/** Names with a warning of their own; a program may have any number of them. */
const MAX_WARNINGS = 10

/**
 * Names that others set: the scripts of this repository, and Kubernetes for a service with this
 * package's name.
 */
const FOREIGN_NAMES = [
  /^SHAZBOT_SKIP_BUILD$/,
  /_SERVICE_HOST$/,
  /_SERVICE_PORT(_[A-Z0-9_]+)?$/,
  /_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/,
]

/**
 * Returns a warning for each variable that resembles one of the engine's but is unknown.
 *
 * @param {string[]} names
 * @param {string} [platform]
 * @returns {string[]}
 */
function warningsAbout(names, platform = process.platform) {
  const unknown = names.filter((name) => !isForeign(name) && !isKnown(name, platform))
  const warnings = unknown.slice(0, MAX_WARNINGS).map((name) => {
    return `Clustershazbot: environment variable ${printable(name)} is unknown; did you mean ${closestName(name)}?`
  })
  const rest = unknown.length - warnings.length
  if (rest > 0) warnings.push(`Clustershazbot: ${rest} more environment variables are unknown`)
  return warnings
}

function isForeign(name) {
  return FOREIGN_NAMES.some((pattern) => pattern.test(name))
}

/** On Windows, `process.env` ignores the case of a name. */
function isKnown(name, platform) {
  return platform === 'win32' && ENGINE_NAMES.includes(name.toUpperCase())
}

function closestName(name) {
  // The distance of long names is slow to compute and means nothing.
  const wanted = name
    .toUpperCase()
    .replace(/^CLUSTER/, '')
    .slice(0, 64)
  const distances = ENGINE_NAMES.map((known) => [distance(wanted, known), known])
  return distances.reduce((closest, next) => (next[0] < closest[0] ? next : closest))[1]
}

/** Returns the Levenshtein distance of two texts. */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, change))
    }
    row = next
  }
  return row[to.length]
}

module.exports = { warningsAbout }
