'use strict'

const { OWN_NAMES } = require('./environment.js')
const { printable } = require('./printable.js')

/** Names that are warned of one by one; a program may have any number of them. */
const MAX_WARNINGS = 10

/** Names that others set: the scripts of a clone, and Kubernetes for a service that is called like this package. */
const NAMES_OF_OTHERS = [
  /^SHAZBOT_SKIP_BUILD$/,
  /_SERVICE_HOST$/,
  /_SERVICE_PORT(_[A-Z0-9_]+)?$/,
  /_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/,
]

/**
 * A warning for each variable that looks like one of the engine's and is not heeded.
 *
 * @param {string[]} names
 * @param {string} [platform]
 * @returns {string[]}
 */
function warningsOfNames(names, platform = process.platform) {
  const stray = names.filter((name) => !isOfOthers(name) && !isHeeded(name, platform))
  const warnings = stray.slice(0, MAX_WARNINGS).map((name) => {
    return `Clustershazbot: environment variable ${printable(name)} is unknown; did you mean ${closestName(name)}?`
  })
  const rest = stray.length - warnings.length
  if (rest > 0) warnings.push(`Clustershazbot: ${rest} more environment variables are unknown`)
  return warnings
}

function isOfOthers(name) {
  return NAMES_OF_OTHERS.some((pattern) => pattern.test(name))
}

/** On Windows, `process.env` takes a name in any case. */
function isHeeded(name, platform) {
  return platform === 'win32' && OWN_NAMES.includes(name.toUpperCase())
}

function closestName(name) {
  // The distance of long names takes long, and says nothing.
  const wanted = name
    .toUpperCase()
    .replace(/^CLUSTER/, '')
    .slice(0, 64)
  const distances = OWN_NAMES.map((known) => [distance(wanted, known), known])
  return distances.reduce((closest, next) => (next[0] < closest[0] ? next : closest))[1]
}

/** How many characters have to be added, left out or changed to make the one text of the other (Levenshtein). */
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

module.exports = { warningsOfNames }
