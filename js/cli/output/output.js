'use strict'

const { escapedJson } = require('../../engine/printable.js')
const { painter } = require('./colours.js')

/** Where a command writes: results to the standard output, notices to the standard error. */
class Output {
  /** Whether results are JSON. */
  isJson
  /** Colours some text as the meaning of a word demands. */
  paint

  /** @param {{ json: boolean, color: boolean }} options */
  constructor({ json, color }) {
    this.isJson = json
    this.paint = painter(color && !json, process.stdout)
  }

  /** Writes lines of a result. */
  lines(...lines) {
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
  }

  /** Writes a result as JSON, on one line. */
  json(value) {
    this.lines(escapedJson(JSON.stringify(value)))
  }

  /** Writes what is no part of the result. */
  notice(text) {
    process.stderr.write(`clustershazbot: ${text}\n`)
  }
}

module.exports = { Output }
