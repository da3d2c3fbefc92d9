'use strict'

/**
 * The addon, as the generated loader finds it.
 *
 * The loader's own error blames a defect of npm whatever the cause is; the causes it collected stay in `error.cause`.
 */
function loadAddon() {
  try {
    return require('../binding.js')
  } catch (cause) {
    throw new Error(
      `clustershazbot: no native addon could be loaded for ${platform()}, Node.js ${process.version}. ` +
        'In a clone of the repository: npm run build. In an application: install again on this very platform, ' +
        'without --omit=optional, so that the package with the addon comes along; the cause tells more.',
      { cause },
    )
  }
}

function platform() {
  const name = `${process.platform}-${process.arch}`
  if (process.platform !== 'linux') return name
  return process.report.getReport().header.glibcVersionRuntime ? `${name} (glibc)` : `${name} (musl)`
}

module.exports = loadAddon()
