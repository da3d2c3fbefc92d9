'use strict'

const { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

/** Windows does not replace links to directories, so files are replaced there one by one. */
const HAS_LINKS = process.platform !== 'win32'

/**
 * Files with secrets as in a volume of Kubernetes: each is a link into `..data`, a link to the
 * directory with the current version. A change replaces that link, so all files change at once.
 *
 * @param {import('node:test').TestContext} t the files are removed when this test ends
 * @param {Record<string, string>} secrets by variable, such as `SHAZBOT_SECRET`
 */
function createSecretFiles(t, secrets) {
  const directory = mkdtempSync(path.join(tmpdir(), 'shazbot-secrets-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const at = (...names) => path.join(directory, ...names)
  let version = 0
  let current = secrets

  function publish() {
    if (HAS_LINKS) publishVersion()
    else for (const [variable, secret] of Object.entries(current)) replace(variable, secret)
  }

  function replace(variable, secret) {
    writeFileSync(at('new'), secret)
    renameSync(at('new'), at(variable))
  }

  function publishVersion() {
    version++
    const name = `..version-${version}`
    mkdirSync(at(name))
    for (const [variable, secret] of Object.entries(current)) writeFileSync(at(name, variable), secret)
    symlinkSync(name, at('..data-new'))
    renameSync(at('..data-new'), at('..data'))
  }

  publish()
  if (HAS_LINKS) {
    for (const variable of Object.keys(secrets)) symlinkSync(path.join('..data', variable), at(variable))
  }
  return {
    directory,
    /** The path of a variable's file. */
    path: (variable) => at(variable),
    /** The variables that name the files, and no secrets beside them. */
    get env() {
      const variables = Object.keys(secrets).flatMap((variable) => [
        [variable, undefined],
        [`${variable}_FILE`, at(variable)],
      ])
      return Object.fromEntries(variables)
    },
    /** Replaces secrets, all at once; those that are not named stay. */
    swap(changes) {
      current = { ...current, ...changes }
      publish()
    },
  }
}

module.exports = { createSecretFiles }
