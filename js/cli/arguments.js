'use strict'

const { parseArgs } = require('node:util')
const { COMMANDS } = require('./commands/index.js')
const { USAGE } = require('./output/exit-codes.js')
const { Failure } = require('./output/failure.js')

const DEFAULT_TIMEOUT = '5'
/** The longest timeout, in seconds. */
const MAX_TIMEOUT = 600

const OPTIONS = {
  json: { type: 'boolean', default: false },
  offline: { type: 'boolean', default: false },
  timeout: { type: 'string', default: DEFAULT_TIMEOUT },
  'secret-file': { type: 'string' },
  'no-color': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
}

/** Options that somebody may try in order to pass a secret. */
const SECRET_OPTION = /^-+(?!-|secret-file(?:=|$))[\w-]*(?:secret|token|passw|auth|bearer|credential)/i

/**
 * Reads the arguments. Errors never repeat a value, which may be a secret.
 *
 * @param {string[]} argv
 */
function readArguments(argv) {
  requireNoSecret(argv)
  const { values, positionals } = parsed(argv)
  const [name, ...others] = positionals[0] === 'help' ? positionals.slice(1) : positionals
  const options = {
    json: values.json,
    offline: values.offline,
    timeout: milliseconds(values.timeout),
    secretFile: values['secret-file'],
    color: !values['no-color'],
    help: values.help || positionals[0] === 'help',
    version: values.version,
  }
  const isGeneral = options.version || (options.help && name === undefined)
  if (!isGeneral) requireCommand(name, options)
  return { name, options, positionals: others }
}

/** Whether results shall be JSON, also where other arguments are wrong. */
function wantsJson(argv) {
  return optionsIn(argv).includes('--json')
}

function requireNoSecret(argv) {
  if (!optionsIn(argv).some((argument) => SECRET_OPTION.test(argument))) return
  throw new Failure(
    USAGE,
    'Secrets are not taken from arguments, which other users of this machine can see.',
    'Set SHAZBOT_CONTROL_SECRET or SHAZBOT_READ_SECRET, or name the file of the secret with --secret-file.',
  )
}

/** The arguments that may be options. */
function optionsIn(argv) {
  const end = argv.indexOf('--')
  return end < 0 ? argv : argv.slice(0, end)
}

function parsed(argv) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const option = /'(-[\w-]+)/.exec(error.message)?.[1]
    const what = error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? 'is unknown' : 'has a wrong value, or none'
    throw new Failure(
      USAGE,
      `${option ? `The option ${option}` : 'An option'} ${what}.`,
      'Write clustershazbot --help to see all options.',
    )
  }
}

function requireCommand(name, { offline }) {
  const names = Object.keys(COMMANDS)
  if (name === undefined)
    throw new Failure(
      USAGE,
      'No command is named.',
      `Write clustershazbot --help, or one of: ${names.join(', ')}.`,
    )
  if (!Object.hasOwn(COMMANDS, name))
    throw new Failure(USAGE, 'There is no such command.', `Write one of: ${names.join(', ')}.`)
  if (offline && !COMMANDS[name].takesOffline)
    throw new Failure(USAGE, `The command ${name} has no option --offline.`, 'Leave it out.')
}

function milliseconds(seconds) {
  const number = /^\d+(?:\.\d+)?$/.test(seconds) ? Number(seconds) : 0
  if (number > 0 && number <= MAX_TIMEOUT) return Math.ceil(number * 1_000)
  throw new Failure(
    USAGE,
    'The option --timeout has a wrong value.',
    `Write a number of seconds above 0, and at most ${MAX_TIMEOUT}.`,
  )
}

module.exports = { DEFAULT_TIMEOUT, readArguments, wantsJson }
