/**
 * zig as the linker of foreign platforms, and a cargo command that uses it, both from Python
 * packages.
 */

import { join } from 'node:path'
import { cachedFolder, run } from './build-cache.mjs'

const VERSIONS = { ziglang: '0.17.1', 'cargo-zigbuild': '0.24.1' }

/** Returns the folder with the commands `cargo-zigbuild` and `python-zig`; downloads them once. */
export function zigTools() {
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}==${version}`)
  const folder = cachedFolder(`tools/${packages.join('-')}`, (to) => {
    run('python3', [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-deps',
      '--root-user-action=ignore',
      '--target',
      to,
      ...packages,
    ])
  })
  return { bin: join(folder, 'bin'), packages: folder }
}
