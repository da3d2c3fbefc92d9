/**
 * Creates the package of each platform in npm/, as napi does, and adds what every published package
 * should have.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'
import { PLATFORMS } from '../platforms/platforms.mjs'

const SYSTEMS = { linux: 'Linux', win32: 'Windows', darwin: 'macOS' }
const LIBRARIES = { gnu: ' with glibc 2.17 or newer', musl: ' with musl, such as Alpine' }

const made = spawnSync('napi create-npm-dirs', { cwd: ROOT, shell: true, stdio: 'inherit' })
if (made.status !== 0) process.exit(made.status ?? 1)

for (const platform of Object.keys(PLATFORMS)) {
  const folder = join(ROOT, 'npm', platform)
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'README.md'), readme(name, platform))
}

function readme(name, platform) {
  const [system, machine, library] = platform.split('-')
  return `# ${name}

The native addon of clustershazbot for ${SYSTEMS[system]}${LIBRARIES[library] ?? ''}, ${machine}.

Do not install this package directly: \`npm install clustershazbot\` installs the one that fits your platform.
`
}
