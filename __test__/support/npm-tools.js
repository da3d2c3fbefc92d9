'use strict'

const { execFile } = require('node:child_process')
const { existsSync, mkdirSync } = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')

const FOLDER = path.join(__dirname, '..', '..', 'node_modules', '.cache', 'tools')
const INSTALL = 'npm install --ignore-scripts --no-save --no-package-lock'

/**
 * Installs npm programs that only tests use, and caches them. The repository does not depend on
 * them.
 *
 * @param {Record<string, string>} paths the file below node_modules by package and version, such as
 * `pm2@7`
 */
async function installTools(paths) {
  const isMissing = ([, file]) => !existsSync(toolPath(file))
  const missing = Object.entries(paths).filter(isMissing)
  if (missing.length === 0) return
  mkdirSync(FOLDER, { recursive: true })
  const names = missing.map(([name]) => name).join(' ')
  await promisify(execFile)(`${INSTALL} --prefix "${FOLDER}" ${names}`, { shell: true })
}

/** Returns the absolute path of an installed file. */
function toolPath(file) {
  return path.join(FOLDER, 'node_modules', file)
}

module.exports = { installTools, toolPath }
