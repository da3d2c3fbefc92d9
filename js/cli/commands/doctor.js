'use strict'

const { askForList } = require('../client/list.js')
const { viewOfList } = require('../client/view.js')
const { askForViews } = require('../client/views.js')
const { checkListing } = require('../doctor/answer.js')
const { checkBody } = require('../doctor/body.js')
const { checkClocks } = require('../doctor/clocks.js')
const { findingsOf } = require('../doctor/finding.js')
const { checkMasterList } = require('../doctor/master-list.js')
const { checkSecrets } = require('../doctor/secrets.js')
const { checkTransport } = require('../doctor/transport.js')
const { checkVariables } = require('../doctor/variables.js')
const { checkViews } = require('../doctor/views.js')
const { FINE, WRONG } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { counted } = require('../output/words.js')

const OUTCOME_WIDTH = 7
const CHECK_WIDTH = 11

/** Looks for mistakes in the configuration and the cluster. */
async function doctor({ baseUrl, access, output }) {
  const report = new Report(output)
  await report.add('variables', checkVariables)
  const first = await report.reach(() => askForList(baseUrl, access, { isNamed: true }))
  if (first) await checkServer(report, { baseUrl, access, first })
  await report.add('master list', (findings) => checkMasterList(findings, access, baseUrl))
  return report.finish(baseUrl)
}

async function checkServer(report, { baseUrl, access, first }) {
  const view = viewOfList(baseUrl, first)
  await report.add('answer', (findings) => checkListing(findings, view))
  await report.add('secrets', (findings) => checkSecrets(findings, access, view))
  await report.add('body', (findings) => checkBody(findings, access, view))
  await report.add('tls', (findings) => checkTransport(findings, first.answer))
  let views
  await report.add('views', async (findings) => {
    views = await askForViews(baseUrl, access)
    checkViews(findings, views)
  })
  if (views) await report.add('clocks', (findings) => checkClocks(findings, views.clocks))
}

/** Writes findings as they come. */
class Report {
  #output
  #findings = []
  /** The exit code if the server was not reached, or does not allow anything. */
  #failed

  constructor(output) {
    this.#output = output
  }

  async add(check, run) {
    const findings = await findingsOf(check, run)
    this.#findings.push(...findings)
    if (!this.#output.isJson) this.#output.lines(...findings.flatMap((finding) => this.#linesOf(finding)))
  }

  /** Resolves with what `ask` does, or with nothing if that fails. */
  async reach(ask) {
    let answer
    await this.add('answer', async () => {
      try {
        answer = await ask()
      } catch (error) {
        if (error instanceof Failure) this.#failed = error.exitCode
        throw error
      }
    })
    return answer
  }

  /** Returns the exit code. */
  finish(asked) {
    const count = (outcome) => this.#findings.filter((finding) => finding.outcome === outcome).length
    const [wrong, warnings] = [count('wrong'), count('warning')]
    if (this.#output.isJson) this.#output.json({ asked, ok: wrong === 0, findings: this.#findings })
    else this.#output.lines(`${wrong} wrong, ${counted(warnings, 'warning')}; asked ${asked}`)
    return this.#failed ?? (wrong > 0 ? WRONG : FINE)
  }

  #linesOf({ check, outcome, finding, remedy }) {
    const head = `${outcome.padEnd(OUTCOME_WIDTH)}  ${check.padEnd(CHECK_WIDTH)}  ${finding}`
    const indent = ' '.repeat(OUTCOME_WIDTH + CHECK_WIDTH + 4)
    return [this.#output.paint(outcome, head), ...(remedy ? [`${indent}${remedy}`] : [])]
  }
}

module.exports = { doctor }
