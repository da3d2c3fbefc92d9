'use strict'

/** The addon, as the generated loader finds it; when it finds none, the error says what its own does not. */
function loadAddon() {
  try {
    return require('../../binding.js')
  } catch (cause) {
    const { loadFailure } = require('./load-failure.js')
    throw loadFailure(cause)
  }
}

module.exports = loadAddon()
