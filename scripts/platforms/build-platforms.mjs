/**
 * Builds the prebuilt binaries that one Linux machine can build: `node
 * scripts/platforms/build-platforms.mjs [platform]...`, by default all. An aborted run can be
 * continued: complete downloads and compiled crates are kept.
 */

import { buildPlatform } from './build.mjs'
import { inspectArtifact } from './inspect.mjs'
import { BUILT_HERE, chosenPlatforms } from './platforms.mjs'

const platforms = chosenPlatforms(process.argv.slice(2), BUILT_HERE)
const outcomes = []

for (const [index, platform] of platforms.entries()) {
  const from = Date.now()
  console.log(`\n[${index + 1}/${platforms.length}] ${platform}`)
  const outcome = attempt(platform)
  outcomes.push({ platform, ...outcome, seconds: Math.round((Date.now() - from) / 1000) })
  console.log(`  ${outcome.text}`)
}

console.log()
for (const { platform, text, seconds } of outcomes) {
  console.log(`${platform.padEnd(18)}${String(seconds).padStart(5)} s  ${text}`)
}
process.exitCode = outcomes.every(({ built }) => built) ? 0 : 1

function attempt(platform) {
  try {
    const { faults, summary } = inspectArtifact(platform, buildPlatform(platform))
    return faults.length > 0
      ? { built: false, text: `unfit: ${faults.join('; ')}` }
      : { built: true, text: summary }
  } catch (error) {
    return { built: false, text: `failed: ${error.message}` }
  }
}
