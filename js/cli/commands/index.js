'use strict'

/**
 * The commands, in the order of the help. Each loads its code with its first use.
 *
 * @type {Record<string, Command>}
 *
 * @typedef {object} Command
 * @property {string} what what it does, for the help
 * @property {boolean} [takesKey] whether a key comes before the URL
 * @property {boolean} [takesOffline] whether it has the option --offline
 * @property {(command: object) => Promise<number>} run resolves with the exit code
 */
const COMMANDS = {
  members: {
    what: 'lists the servers that a server sees',
    takesOffline: true,
    run: (command) => require('./members.js').members(command),
  },
  watch: {
    what: 'tells what changes, until it is interrupted',
    run: (command) => require('./watch.js').watch(command),
  },
  status: {
    what: 'tells how a server is',
    run: (command) => require('./status.js').status(command),
  },
  views: {
    what: 'asks all servers for their lists, and groups those that say the same',
    run: (command) => require('./views.js').views(command),
  },
  owner: {
    what: 'names the server that owns a key',
    takesKey: true,
    run: (command) => require('./owner.js').owner(command),
  },
  drain: {
    what: 'takes a server offline for the others',
    run: (command) => require('./control.js').drain(command),
  },
  resume: {
    what: 'brings a drained server back',
    run: (command) => require('./control.js').resume(command),
  },
  doctor: {
    what: 'looks for mistakes in the configuration and the cluster',
    run: (command) => require('./doctor.js').doctor(command),
  },
}

module.exports = { COMMANDS }
