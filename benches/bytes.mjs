/** What servers send at rest, with all headers, beside what agents of HashiCorp's serf send. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const title = 'Bytes at rest'
export const about =
  'Processes with default settings and a secret on plain `node:http` servers, without any change. The bytes are those ' +
  'of the loopback device, with all headers of TCP and IP. Payloads are those of signed probes and their responses, ' +
  'as sent in `v2`. `serf` is HashiCorp’s, over UDP, with its default settings; it is measured if it is installed.'

const SERVERS = 25

/** Runs a command in a network of its own, whose only device is the loopback one. */
const ISOLATED = ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

const atMost = (most) => ({ of: 'value', most })

export async function measure({ quick = false, progress = () => {} } = {}) {
  const input = quick ? { servers: 3, seconds: 5 } : { servers: SERVERS, seconds: 60 }
  const { servers } = input
  progress(`${servers} processes`)
  const { bytes, opened, probes, answers } = run('servers', input)
  const rows = [
    { name: 'sent per server', unit: 'B/s', value: bytes, wanted: atMost(1_150) },
    { name: 'new connections per server', unit: '/s', value: opened, wanted: atMost(0.2) },
    { name: 'payload of a probe', unit: 'B', ...probes, wanted: atMost(150) },
    { name: 'payload of its response', unit: 'B', ...answers, wanted: atMost(150) },
  ]
  if (isInstalled('serf')) {
    progress(`${servers} agents of serf`)
    rows.push({ name: 'serf: sent per agent', unit: 'B/s', value: run('serf', input).bytes })
  } else {
    progress('serf is not installed')
  }
  return rows.map((row) => ({ servers, ...row }))
}

function run(name, input) {
  const program = fileURLToPath(new URL(`./bytes/${name}.mjs`, import.meta.url))
  const command = [process.execPath, program, JSON.stringify(input)]
  const [first, ...others] = isIsolationPossible() ? [...ISOLATED, ...command] : command
  const { status, signal, stdout } = spawnSync(first, others, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`${program} ended with ${signal ?? status}`)
  return JSON.parse(stdout)
}

function isIsolationPossible() {
  const [first, ...others] = [...ISOLATED, 'true']
  return spawnSync(first, others).status === 0
}

const isInstalled = (command) => spawnSync(command, ['--version']).status === 0
