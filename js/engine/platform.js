'use strict'

/**
 * The platforms with a package that contains an addon; `napi.targets` in package.json has their
 * Rust names.
 */
const PLATFORMS = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'win32-x64-msvc',
  'win32-arm64-msvc',
  'darwin-x64',
  'darwin-arm64',
]

/** Returns the platform of this process: its name as in `PLATFORMS`, and a description. */
function currentPlatform() {
  const { platform, arch } = process
  if (platform === 'linux') return currentLinux()
  const name = platform === 'win32' ? `${platform}-${arch}-msvc` : `${platform}-${arch}`
  return { name, description: `${platform}, ${arch}` }
}

function currentLinux() {
  const glibc = glibcVersion()
  return {
    name: `linux-${process.arch}-${glibc ? 'gnu' : 'musl'}`,
    description: `linux, ${process.arch}, ${glibc ? `glibc ${glibc}` : 'musl'}`,
  }
}

/** Undefined with musl. Takes some milliseconds, so it is only used after a failure. */
function glibcVersion() {
  const { report } = process
  const { excludeNetwork } = report
  // The report would otherwise resolve the host names of all connections.
  report.excludeNetwork = true
  try {
    return report.getReport().header.glibcVersionRuntime
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

module.exports = { PLATFORMS, currentPlatform }
