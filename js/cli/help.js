'use strict'

const { COMMANDS } = require('./commands/index.js')

const OPTIONS = [
  ['--json', 'writes one JSON value; watch writes one for each line'],
  ['--offline', 'members lists the servers offline too'],
  ['--timeout SECONDS', 'gives up a request after that time, 5 by default'],
  ['--secret-file PATH', 'sends the secret in this file'],
  ['--no-color', 'writes no colours, as NO_COLOR does'],
  ['--help', 'writes this text, or that of a command'],
  ['--version', 'writes the version'],
]

const NOTES = [
  'The URL is the base URL of a server, SHAZBOT_BASE_URL by default. Secrets come from',
  'SHAZBOT_READ_SECRET, SHAZBOT_CONTROL_SECRET, their _FILE variables or --secret-file, never',
  'from arguments.',
  '',
  'Exit codes: 0 fine, 1 found something wrong, 2 wrong usage, 3 not reached, 4 not allowed.',
]

/** The help without a command. */
function generalHelp() {
  const commands = Object.entries(COMMANDS).map(([name, { what, takesKey }]) => [
    takesKey ? `${name} KEY` : name,
    what,
  ])
  return [
    'Usage: clustershazbot COMMAND [URL] [OPTIONS]',
    '',
    'Commands:',
    ...listed(commands),
    '',
    'Options:',
    ...listed(OPTIONS),
    '',
    ...NOTES,
  ].join('\n')
}

/** The help of one command. */
function helpFor(name) {
  const { what, takesKey, takesOffline } = COMMANDS[name]
  const options = OPTIONS.filter(([option]) => takesOffline || option !== '--offline')
  return [
    `Usage: clustershazbot ${name}${takesKey ? ' KEY' : ''} [URL] [OPTIONS]`,
    '',
    `It ${what}.`,
    '',
    'Options:',
    ...listed(options),
    '',
    ...NOTES,
  ].join('\n')
}

function listed(rows) {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)
}

module.exports = { generalHelp, helpFor }
