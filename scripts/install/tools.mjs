/**
 * The registry, the package managers and the bundler, in fixed versions, in a folder that later
 * runs reuse.
 */

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'
import { packageOfNode } from './node-package.mjs'
import { run } from './processes.mjs'

/** SHAZBOT_INSTALL_CACHE sets another folder, for example outside the clone. */
export const CACHE = resolve(process.env.SHAZBOT_INSTALL_CACHE || join(ROOT, 'target/install'))

const VERSIONS = {
  // The newest version that runs on Node.js 20.
  verdaccio: '6.8.0',
  esbuild: '0.28.2',
  npm: '12.2.0',
  'pnpm-10': '10.34.8',
  'pnpm-12': '12.21.0',
  'yarn-1': '1.22.22',
  'yarn-4': '4.18.1',
  // For package managers that need a newer Node.js than this package.
  node: '24.21.0',
}

const MANIFEST = {
  private: true,
  dependencies: {
    verdaccio: VERSIONS.verdaccio,
    esbuild: VERSIONS.esbuild,
    npm: VERSIONS.npm,
    'pnpm-10': `npm:pnpm@${VERSIONS['pnpm-10']}`,
    'pnpm-12': `npm:pnpm@${VERSIONS['pnpm-12']}`,
    'yarn-1': `npm:yarn@${VERSIONS['yarn-1']}`,
    'yarn-4': `npm:@yarnpkg/cli-dist@${VERSIONS['yarn-4']}`,
    node: `npm:${packageOfNode()}@${VERSIONS.node}`,
  },
  // verdaccio's own version is incompatible with it.
  overrides: { 'node-fetch': '2.7.0' },
}

/** Returns the commands of the tools by name. */
export async function installTools() {
  const name = `tools-${Object.values(VERSIONS).join('-')}`
  const folder = join(CACHE, name)
  if (!existsSync(folder)) {
    console.log('  fetching them, which takes half a minute')
    const unfinished = `${folder}.unfinished-${process.pid}`
    mkdirSync(unfinished, { recursive: true })
    writeFileSync(join(unfinished, 'package.json'), JSON.stringify(MANIFEST))
    const command = 'npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error'
    await run([command], { cwd: unfinished, shell: true, within: 600_000 })
    if (existsSync(folder)) rmSync(unfinished, { recursive: true, force: true })
    else renameSync(unfinished, folder)
  }
  const at = (path) => join(folder, 'node_modules', path)
  const newNode = at(process.platform === 'win32' ? 'node/bin/node.exe' : 'node/bin/node')
  return {
    versions: VERSIONS,
    verdaccio: [process.execPath, at('verdaccio/bin/verdaccio')],
    esbuild: [process.execPath, at('esbuild/bin/esbuild')],
    npm: [newNode, at('npm/bin/npm-cli.js')],
    'pnpm-10': [process.execPath, at('pnpm-10/bin/pnpm.cjs')],
    'pnpm-12': [process.execPath, at('pnpm-12/bin/pnpm.mjs')],
    'yarn-1': [process.execPath, at('yarn-1/bin/yarn.js')],
    'yarn-4': [process.execPath, at('yarn-4/bin/yarn.js')],
  }
}
