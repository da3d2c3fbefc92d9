'use strict'

const { COMMANDS } = require('./commands/index.js')
const { readBaseUrl } = require('./http/base-url.js')
const { Secrets } = require('./http/secrets.js')
const { tlsOptions } = require('./http/tls.js')
const { Failure } = require('./output/failure.js')
const { FINE, USAGE } = require('./output/exit-codes.js')
const { Output } = require('./output/output.js')
const { readArguments, wantsJson } = require('./arguments.js')
const { generalHelp, helpFor } = require('./help.js')

/**
 * Runs a command.
 *
 * @param {string[]} argv its name and its arguments
 * @returns {Promise<number>} the exit code
 */
async function run(argv) {
  process.stdout.on('error', endOutput)
  // Without a reader of the notices, the exit code still tells what happened.
  process.stderr.on('error', () => {})
  let output = new Output({ json: wantsJson(argv), color: false })
  let asked = null
  try {
    const { name, options, positionals } = readArguments(argv)
    if (options.version) return show(output, require('clustershazbot/package.json').version)
    if (options.help) return show(output, name ? helpFor(name) : generalHelp())
    output = new Output({ json: options.json, color: options.color })
    const { baseUrl, key } = readPositionals(name, positionals)
    asked = baseUrl
    const access = { secrets: new Secrets(options.secretFile), timeout: options.timeout, tls: tlsOptions() }
    return await COMMANDS[name].run({ baseUrl, key, access, options, output })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return fail(output, error, asked)
  }
}

/** A reader that has enough, such as `head`, closes the pipe. */
function endOutput(error) {
  if (error.code === 'EPIPE') process.exit(FINE)
  throw error
}

function show(output, text) {
  output.lines(text)
  return FINE
}

/** Splits the positional arguments of a command: a key, if it takes one, and a URL. */
function readPositionals(name, positionals) {
  const { takesKey } = COMMANDS[name]
  const [key, argument, ...others] = takesKey ? positionals : [undefined, ...positionals]
  if (takesKey && key === undefined)
    throw new Failure(USAGE, 'No key is named.', `Write clustershazbot ${name} KEY [URL].`)
  if (others.length > 0)
    throw new Failure(
      USAGE,
      'There are too many arguments.',
      `Write clustershazbot ${name} --help to see them.`,
    )
  return { baseUrl: readBaseUrl(argument), key }
}

function fail(output, { message, remedy, exitCode }, asked) {
  if (output.isJson) output.json({ asked, error: message, remedy, exit: exitCode })
  output.notice(`${message}\n${remedy}`)
  return exitCode
}

module.exports = { run }
