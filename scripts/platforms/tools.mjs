/** zig as the linker of foreign platforms, and the cargo command that makes use of it, both as Python packages. */

import { join } from 'node:path'
import { filled, run } from './build-cache.mjs'

const VERSIONS = { ziglang: '0.17.1', 'cargo-zigbuild': '0.24.1' }

/** The folder with the commands `cargo-zigbuild` and `python-zig`, fetched at the first use. */
export function zigTools() {
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}==${version}`)
  const folder = filled(`tools/${packages.join('-')}`, (to) => {
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
