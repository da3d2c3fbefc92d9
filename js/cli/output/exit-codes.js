'use strict'

/** The exit codes of all commands. */
module.exports = {
  FINE: 0,
  /** The command has found something wrong. */
  WRONG: 1,
  USAGE: 2,
  /** The server was not reached, or what answers there is no server of this package. */
  UNREACHED: 3,
  NOT_ALLOWED: 4,
}
