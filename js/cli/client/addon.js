'use strict'

const { WRONG } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/** Loads the addon, for commands that must agree with the engine. The others do without it. */
function loadAddon() {
  try {
    return require('../../engine/addon.js')
  } catch (error) {
    throw new Failure(WRONG, 'This needs the native addon, which cannot be loaded.', error.message)
  }
}

module.exports = { loadAddon }
