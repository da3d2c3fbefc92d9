'use strict'

/**
 * Loads the addon with the generated loader, and replaces that loader's error with a more helpful
 * one.
 */
function loadAddon() {
  try {
    return require('../../binding.js')
  } catch (cause) {
    const { loadFailure } = require('./load-failure.js')
    throw loadFailure(cause)
  }
}

module.exports = loadAddon()
