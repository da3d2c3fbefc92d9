'use strict'

const { escaped } = require('../../engine/printable.js')

const MAX_NAMED = 3

/**
 * Checks that all servers see the same.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../client/views.js').Views} views
 */
function checkViews(findings, { groups, failed, asked, isComplete }) {
  if (groups.length > 1)
    findings.wrong(
      `There are ${groups.length} different views among ${asked} servers.`,
      'clustershazbot views shows them. Check that all servers reach each other, and have the same secrets ' +
        'and SHAZBOT_ALLOW.',
    )
  for (const { baseUrl, failure } of failed.slice(0, MAX_NAMED))
    findings.wrong(
      `${escaped(baseUrl)} is online for others, but: ${escaped(failure.message)}`,
      failure.remedy,
    )
  if (failed.length > MAX_NAMED)
    findings.wrong(
      `${failed.length - MAX_NAMED} more servers showed no list.`,
      'clustershazbot views names them.',
    )
  if (!isComplete) findings.skip('There are more servers than one command asks.')
  if (findings.all.length === 0)
    findings.ok(`All ${asked} servers see the same ${groups[0].online.length} online.`)
}

module.exports = { checkViews }
