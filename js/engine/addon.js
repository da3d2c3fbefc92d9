'use strict'

const { existsSync, readFileSync } = require('node:fs')

/** The dynamic loader of musl. Other systems may have it too, but musl does not run without it. */
const MUSL_LOADERS = { x64: '/lib/ld-musl-x86_64.so.1', arm64: '/lib/ld-musl-aarch64.so.1' }

/** Variables with which the generated loader does something else. */
const LOADER_VARIABLES = [
  'NAPI_RS_NATIVE_LIBRARY_PATH',
  'NAPI_RS_FORCE_WASI',
  'NAPI_RS_ENFORCE_VERSION_CHECK',
]

/**
 * Loads the addon from the package of this platform, or with the generated loader, which is large
 * and knows all other cases. Replaces that loader's error with a more helpful one.
 */
function loadAddon() {
  const addon = loadPackage()
  if (addon) return addon
  try {
    return require('../../binding.js')
  } catch (cause) {
    const { loadFailure } = require('./load-failure.js')
    throw loadFailure(cause)
  }
}

/** Returns undefined after any failure: the generated loader meets it again, and reports it. */
function loadPackage() {
  if (LOADER_VARIABLES.some((name) => process.env[name])) return undefined
  // Bundlers read these calls, so each names its package in full. Packages of other platforms are
  // not installed, which bundlers only tolerate within `try`.
  try {
    switch (platformHere()) {
      case 'linux-x64-gnu':
        return require('clustershazbot-linux-x64-gnu')
      case 'linux-x64-musl':
        return require('clustershazbot-linux-x64-musl')
      case 'linux-arm64-gnu':
        return require('clustershazbot-linux-arm64-gnu')
      case 'linux-arm64-musl':
        return require('clustershazbot-linux-arm64-musl')
      case 'win32-x64':
        return require('clustershazbot-win32-x64-msvc')
      case 'win32-arm64':
        return require('clustershazbot-win32-arm64-msvc')
      case 'darwin-x64':
        return require('clustershazbot-darwin-x64')
      case 'darwin-arm64':
        return require('clustershazbot-darwin-arm64')
    }
  } catch {}
  return undefined
}

function platformHere() {
  const { platform, arch } = process
  if (platform !== 'linux') return `${platform}-${arch}`
  return `linux-${arch}-${isMusl(arch) ? 'musl' : 'gnu'}`
}

/** Throws if that is unknown. */
function isMusl(arch) {
  return existsSync(MUSL_LOADERS[arch] ?? '') && readFileSync('/usr/bin/ldd').includes('musl')
}

module.exports = loadAddon()
