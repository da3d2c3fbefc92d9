'use strict'

/** The platforms that there are packages with an addon for; `napi.targets` in package.json names them as Rust does. */
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

/** The platform of this process: its name as in `PLATFORMS`, and in words for people. */
function thisPlatform() {
  const { platform, arch } = process
  if (platform === 'linux') return thisLinux()
  const name = platform === 'win32' ? `${platform}-${arch}-msvc` : `${platform}-${arch}`
  return { name, words: `${platform}, ${arch}` }
}

function thisLinux() {
  const glibc = glibcVersion()
  return {
    name: `linux-${process.arch}-${glibc ? 'gnu' : 'musl'}`,
    words: `linux, ${process.arch}, ${glibc ? `glibc ${glibc}` : 'musl'}`,
  }
}

/** Undefined with musl. Takes some milliseconds, so it is for those who have nothing to lose any more. */
function glibcVersion() {
  const { report } = process
  const { excludeNetwork } = report
  // Else it would look up the names of all connections.
  report.excludeNetwork = true
  try {
    return report.getReport().header.glibcVersionRuntime
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

module.exports = { PLATFORMS, thisPlatform }
