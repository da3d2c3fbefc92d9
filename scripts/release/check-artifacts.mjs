/**
 * Checks prebuilt binaries without running them: `node scripts/release/check-artifacts.mjs
 * [platform]...`, by default all in npm/. A named platform must exist.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'
import { inspectArtifact } from '../platforms/inspect.mjs'
import { artifactOf, chosenPlatforms, PLATFORMS } from '../platforms/platforms.mjs'

const named = process.argv.slice(2)
let failed = 0
for (const platform of chosenPlatforms(named, Object.keys(PLATFORMS))) {
  const path = join(ROOT, 'npm', platform, artifactOf(platform))
  const { faults, summary } = existsSync(path)
    ? inspectArtifact(platform, path)
    : { faults: named.length > 0 ? ['no artifact'] : [], summary: 'no artifact' }
  if (faults.length > 0) failed++
  console.log(`${platform.padEnd(18)}${faults.length > 0 ? `UNFIT: ${faults.join('; ')}` : summary}`)
}
process.exitCode = failed > 0 ? 1 : 0
