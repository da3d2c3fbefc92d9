'use strict'

const { readFileSync, statSync } = require('node:fs')
const { USAGE } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/** The largest file of a secret, in bytes, as for the engine. */
const MAX_FILE = 128 * 1024

/** Characters of a header, which Node sends as Latin-1. */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]+$/

/** The secrets of the variables and of `--secret-file`, read when they are needed. */
class Secrets {
  #file
  #environment

  /**
   * @param {string} [file] the path that `--secret-file` gives
   * @param {Record<string, string | undefined>} [environment]
   */
  constructor(file, environment = process.env) {
    this.#file = file
    this.#environment = environment
  }

  /** The secret for what only shows something; undefined if there is none. */
  get forReading() {
    return this.#fromFile() ?? this.named('SHAZBOT_READ_SECRET') ?? this.named('SHAZBOT_CONTROL_SECRET')
  }

  /** The secret for the list of a server, which is more than the read secret. */
  get forList() {
    return this.#fromFile() ?? this.named('SHAZBOT_CONTROL_SECRET')
  }

  /** The secret for control requests. Throws if there is none. */
  get forControl() {
    const secret = this.#fromFile() ?? this.named('SHAZBOT_CONTROL_SECRET')
    if (secret !== undefined) return secret
    throw new Failure(
      USAGE,
      'A control request needs the control secret.',
      'Set SHAZBOT_CONTROL_SECRET or SHAZBOT_CONTROL_SECRET_FILE, or name its file with --secret-file.',
    )
  }

  /** The gossip secret; undefined if there is none. */
  get forGossip() {
    return this.named('SHAZBOT_SECRET')
  }

  /** The secret of a variable or of its file; undefined if neither is set. */
  named(name) {
    const value = this.#environment[name]?.trim()
    const path = this.#environment[`${name}_FILE`]
    if (value && path)
      throw new Failure(USAGE, `${name} and ${name}_FILE are both set.`, 'Unset one of the two variables.')
    if (path) return readSecretFile(path, `${name}_FILE`)
    return value ? requireSendable(value, name) : undefined
  }

  #fromFile() {
    return this.#file === undefined ? undefined : readSecretFile(this.#file, '--secret-file')
  }
}

function readSecretFile(path, source) {
  const secret = readText(path, source).trim()
  if (secret) return requireSendable(secret, `The file of ${source}`)
  throw new Failure(USAGE, `The file of ${source} is empty.`, 'Write the secret into it.')
}

function readText(path, source) {
  try {
    if (statSync(path).size <= MAX_FILE) return readFileSync(path, 'utf8')
  } catch (error) {
    const what = `The file of ${source} cannot be read (${error.code}).`
    throw new Failure(USAGE, what, 'Check its path and its permissions.')
  }
  throw new Failure(
    USAGE,
    `The file of ${source} has more than ${MAX_FILE} bytes.`,
    'Name the file that contains nothing but the secret.',
  )
}

function requireSendable(secret, source) {
  if (SENDABLE.test(secret)) return secret
  throw new Failure(
    USAGE,
    `${source} contains a character that is invalid in an HTTP header.`,
    'Use the same secret as the servers. It has one line.',
  )
}

module.exports = { Secrets }
