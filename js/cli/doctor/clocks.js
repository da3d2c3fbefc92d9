'use strict'

const { SECOND, formatDuration } = require('../output/durations.js')

/** The largest difference that is no finding, in ms: lists of version 1 go by the clocks. */
const MAX_DIFFERENCE = 5 * SECOND
const MAX_NAMED = 3

/**
 * Checks that the clocks of the servers and of this machine agree.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {{ baseUrl: string, difference: number }[]} clocks how far each is ahead of this machine's
 */
function checkClocks(findings, clocks) {
  const all = [{ baseUrl: 'this machine', difference: 0 }, ...clocks]
  const ordered = all.map(({ difference }) => difference).sort((one, other) => one - other)
  // With two clocks, nobody knows which one is wrong.
  const middle = ordered.length > 2 ? ordered[Math.floor(ordered.length / 2)] : 0
  const apart = all
    .map(({ baseUrl, difference }) => ({ baseUrl, difference: difference - middle }))
    .filter(({ difference }) => Math.abs(difference) > MAX_DIFFERENCE)
    .sort((one, other) => Math.abs(other.difference) - Math.abs(one.difference))
  if (apart.length === 0) {
    findings.ok(`The clocks agree within ${formatDuration(MAX_DIFFERENCE)}.`)
    return
  }
  const named = apart.slice(0, MAX_NAMED).map(({ baseUrl, difference }) => {
    return `${baseUrl} is ${formatDuration(Math.abs(difference))} ${difference > 0 ? 'ahead' : 'behind'}`
  })
  const more = apart.length > MAX_NAMED ? `, and ${apart.length - MAX_NAMED} more differ` : ''
  findings.wrong(
    `The clocks differ: ${named.join(', ')}${more}.`,
    'Let all machines set their clocks by NTP.',
  )
}

module.exports = { checkClocks }
