/**
 * Runs the prebuilt binaries in npm/: `node scripts/platforms/test-platforms.mjs [platform]...`, by
 * default all that can run here. Others are reported as not run, with the reason; for a named
 * platform, that is a failure.
 */

import { layOutApp, layOutSecondApp } from './app.mjs'
import { chosenPlatforms, PLATFORMS } from './platforms.mjs'
import { rigOf } from './rigs.mjs'
import { CHECKS, runChecks } from './trial.mjs'

const named = process.argv.slice(2)
const results = []
for (const platform of chosenPlatforms(named, Object.keys(PLATFORMS))) {
  console.log(`\n${platform}`)
  const result = await attempt(platform)
  if (result.reason) console.log(`  not run: ${result.reason}`)
  for (const [check, outcome] of Object.entries(result.outcomes ?? {})) console.log(`  ${check}: ${outcome}`)
  if (result.facts?.log) console.log(result.facts.log.replaceAll(/^/gm, '  | '))
  results.push({ platform, ...result })
}
printTable(results)

const passed = results.filter(({ outcomes }) => outcomes && CHECKS.every((check) => outcomes[check] === 'ok'))
const notRun = results.filter(({ reason }) => reason)
const failed = results.length - passed.length - notRun.length
console.log(`\n${passed.length} passed, ${failed} failed, ${notRun.length} not run`)
process.exitCode = failed > 0 || passed.length === 0 || (named.length > 0 && notRun.length > 0) ? 1 : 0

async function attempt(platform) {
  let rig
  let app
  let secondServer
  try {
    rig = rigOf(platform)
    app = layOutApp(rig.root, platform)
    secondServer = layOutSecondApp()
  } catch (error) {
    return { reason: error.message.replaceAll('\n', ' ') }
  }
  return runChecks(platform, rig, app, secondServer)
}

function printTable(rows) {
  const cells = rows.map(({ platform, reason, outcomes, facts }) => [
    platform,
    facts?.version ?? '',
    facts?.loadMs === undefined ? '' : `${facts.loadMs.toFixed(1)} ms`,
    ...CHECKS.map((check) => (reason ? 'not run' : cell(outcomes[check]))),
  ])
  const table = [['platform', 'Node.js', 'loads in', ...CHECKS], ...cells]
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)))
  const line = (row) => `| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`
  console.log(`\n${line(table[0])}\n|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  for (const row of cells) console.log(line(row))
  for (const { platform, reason } of rows) if (reason) console.log(`${platform}: not run, ${reason}`)
}

function cell(outcome) {
  if (outcome === undefined) return '-'
  return outcome === 'ok' ? 'ok' : 'FAILED'
}
