'use strict'

const { styleText } = require('node:util')

/** The colour of each word; a word means the same without its colour. */
const COLOURS = {
  online: 'green',
  ok: 'green',
  suspect: 'yellow',
  warning: 'yellow',
  dead: 'red',
  wrong: 'red',
}

/**
 * Returns a function that colours some text as the meaning of a word demands. It changes nothing
 * unless colours are wanted and shown, or if this Node.js has none (before 20.12).
 *
 * @param {boolean} isWanted
 * @param {NodeJS.WriteStream} stream
 * @returns {(word: string, text: string) => string}
 */
function painter(isWanted, stream, environment = process.env) {
  const isShown = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'
  if (!isWanted || !isShown || !styleText) return (_, text) => text
  return (word, text) => (COLOURS[word] ? styleText(COLOURS[word], text, { validateStream: false }) : text)
}

module.exports = { painter }
