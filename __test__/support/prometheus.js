'use strict'

const { spawn, spawnSync } = require('node:child_process')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { eventually } = require('./eventually')
const { freePort } = require('./ports')

const ALERTS = path.join(__dirname, '..', '..', 'docs', 'alerts.yml')

/** How soon alerts fire in tests. */
const SOON = '3s'

/** The reason why Prometheus cannot be run here; undefined if it can. */
function whyNoPrometheus() {
  const missing = ['prometheus', 'promtool'].filter((name) => spawnSync(name, ['--version']).status !== 0)
  return missing.length > 0 ? `needs ${missing.join(' and ')}, which the distribution has` : undefined
}

/** Runs promtool; returns its status and all of its output. */
function promtool(args, input) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

/**
 * Starts Prometheus with the alerts of docs/alerts.yml, which fire soon. Resolves with functions
 * that return its targets and its firing alerts.
 *
 * @param {import('node:test').TestContext} t
 * @param {{ job: string, secret: string, targets: string[] }[]} jobs the secret is a bearer token
 */
async function startPrometheus(t, jobs) {
  const folder = mkdtempSync(path.join(tmpdir(), 'prometheus-'))
  const file = (name) => path.join(folder, name)
  writeFileSync(file('alerts.yml'), readFileSync(ALERTS, 'utf8').replace(/ for: \d+[mh]/g, ` for: ${SOON}`))
  const scraped = jobs.map(({ job, secret, targets }) => {
    writeFileSync(file(job), secret)
    return {
      job_name: job,
      metrics_path: '/clustershazbot/metrics',
      authorization: { credentials_file: file(job) },
      static_configs: [{ targets }],
    }
  })
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [file('alerts.yml')],
    scrape_configs: scraped,
  }
  // JSON is YAML.
  writeFileSync(file('prometheus.yml'), JSON.stringify(config))
  const address = `127.0.0.1:${await freePort()}`
  const options = ['config.file', 'storage.tsdb.path', 'web.listen-address']
  const values = [file('prometheus.yml'), file('data'), address]
  const child = spawn(
    'prometheus',
    options.map((name, index) => `--${name}=${values[index]}`),
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  const ask = async (what) => (await (await fetch(`http://${address}/api/v1/${what}`)).json()).data
  const isReady = () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await eventually(async () => (await isReady()) || (child.exitCode !== null && exitedWith(log)), {
    what: 'Prometheus',
  })
  return {
    targets: async () => (await ask('targets')).activeTargets,
    firing: async () => (await ask('alerts')).alerts.filter(({ state }) => state === 'firing'),
  }
}

function exitedWith(log) {
  throw new Error(`Prometheus has ended: ${log}`)
}

module.exports = { ALERTS, promtool, startPrometheus, whyNoPrometheus }
