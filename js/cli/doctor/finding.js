'use strict'

const { Failure } = require('../output/failure.js')

/**
 * @typedef {object} Finding
 * @property {string} check the name of the check
 * @property {'ok' | 'warning' | 'wrong' | 'skipped'} outcome
 * @property {string} finding a sentence
 * @property {string} [remedy] what to do, as a sentence
 */

/** Creates the findings of one check. */
class Findings {
  /** @type {Finding[]} */
  all = []
  #check

  /** @param {string} check */
  constructor(check) {
    this.#check = check
  }

  ok(finding) {
    this.#add('ok', finding)
  }

  warn(finding, remedy) {
    this.#add('warning', finding, remedy)
  }

  wrong(finding, remedy) {
    this.#add('wrong', finding, remedy)
  }

  skip(finding, remedy) {
    this.#add('skipped', finding, remedy)
  }

  #add(outcome, finding, remedy) {
    this.all.push({ check: this.#check, outcome, finding, remedy })
  }
}

/**
 * Runs a check; a failure in it is a finding too.
 *
 * @param {string} check its name
 * @param {(findings: Findings) => unknown} run
 * @returns {Promise<Finding[]>}
 */
async function findingsOf(check, run) {
  const findings = new Findings(check)
  try {
    await run(findings)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    findings.wrong(error.message, error.remedy)
  }
  return findings.all
}

module.exports = { findingsOf }
