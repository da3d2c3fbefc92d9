/** Copies the program and its dependencies into a rig, like an installation from the registry. */

import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUILD_CACHE, cachedFolder, ROOT, run } from './build-cache.mjs'
import { artifactOf } from './platforms.mjs'

const PROGRAM = fileURLToPath(new URL('app/server.js', import.meta.url))
const CERTIFICATES = join(ROOT, '__test__/fixtures/tls')

/** Creates `app/` in the folder, with both packages as published. */
export function layOutApp(root, platform) {
  const artifact = join(ROOT, 'npm', platform, artifactOf(platform))
  if (!existsSync(artifact)) throw new Error('there is no artifact')
  const app = layOutProgram(root)
  unpack(ROOT, join(app, 'node_modules/clustershazbot'))
  unpack(join(ROOT, 'npm', platform), join(app, `node_modules/clustershazbot-${platform}`))
  return app
}

/** The same for the second server on this machine, with the package and the addon of the clone. */
export function layOutSecondApp() {
  const app = layOutProgram(join(BUILD_CACHE, 'second-app'))
  symlinkSync(ROOT, join(app, 'node_modules/clustershazbot'), 'junction')
  return app
}

function layOutProgram(root) {
  const app = join(root, 'app')
  rmSync(app, { recursive: true, force: true })
  mkdirSync(app, { recursive: true })
  cpSync(join(express(), 'node_modules'), join(app, 'node_modules'), { recursive: true })
  cpSync(PROGRAM, join(app, 'server.js'))
  for (const name of ['self-signed.pem', 'test-only.key.pem'])
    cpSync(join(CERTIFICATES, name), join(app, name))
  return app
}

function express() {
  return cachedFolder('express-5', (folder) => {
    npm(`install --prefix "${folder}" --no-save --no-package-lock --ignore-scripts --silent express@5`)
  })
}

function unpack(source, folder) {
  const packed = join(BUILD_CACHE, 'packed')
  rmSync(packed, { recursive: true, force: true })
  mkdirSync(packed, { recursive: true })
  mkdirSync(folder, { recursive: true })
  npm(`pack "${source}" --pack-destination "${packed}" --ignore-scripts --silent`)
  const [archive] = readdirSync(packed)
  run('tar', ['-xf', archive, '-C', folder, '--strip-components=1'], { cwd: packed, quiet: true })
}

/** Through a shell, because on Windows npm is a script. */
function npm(command) {
  run(`npm ${command}`, [], { shell: true, quiet: true })
}
