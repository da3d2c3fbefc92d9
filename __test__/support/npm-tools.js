'use strict'

const { execFile } = require('node:child_process')
const { existsSync, mkdirSync } = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')

const FOLDER = path.join(__dirname, '..', '..', 'node_modules', '.cache', 'tools')
const INSTALL = 'npm install --ignore-scripts --no-save --no-package-lock'

/**
 * Installs programs from npm that only tests run; kept for later runs. No package of this repository depends on them.
 *
 * @param {Record<string, string>} paths by the name and version to install, such as `pm2@7`, a file of it below node_modules
 */
async function installTools(paths) {
  const isMissing = ([, file]) => !existsSync(toolPath(file))
  const missing = Object.entries(paths).filter(isMissing)
  if (missing.length === 0) return
  mkdirSync(FOLDER, { recursive: true })
  const names = missing.map(([name]) => name).join(' ')
  await promisify(execFile)(`${INSTALL} --prefix "${FOLDER}" ${names}`, { shell: true })
}

/** The absolute path of a file that was installed. */
function toolPath(file) {
  return path.join(FOLDER, 'node_modules', file)
}

module.exports = { installTools, toolPath }
