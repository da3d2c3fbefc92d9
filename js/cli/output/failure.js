'use strict'

/** The end of a command: what happened, and what to do next. */
class Failure extends Error {
  /**
   * @param {number} exitCode one of exit-codes.js
   * @param {string} message a sentence
   * @param {string} remedy what to do next, as a sentence
   */
  constructor(exitCode, message, remedy) {
    super(message)
    this.exitCode = exitCode
    this.remedy = remedy
  }
}

module.exports = { Failure }
