'use strict'

/**
 * Two networks with one link that can be cut, made of Linux namespaces without root privileges.
 */

const { spawn, spawnSync } = require('node:child_process')
const { eventually } = require('./eventually')

const UNSHARE = ['unshare', '--map-root-user', '--net']
const HOSTS = { left: '10.99.0.1', right: '10.99.0.2' }

/** The reason why networks cannot be created here; undefined if they can. */
function whyNoNetworks() {
  const [command, ...args] = [...UNSHARE, 'ip', 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other']
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return undefined
  return `needs network namespaces, and veth in them: ${error?.message ?? stderr.trim()}`
}

/**
 * @param {import('node:test').TestContext} t
 * @returns each side as options of spawnApp(), and `cut()` and `heal()` for the link
 */
async function createNetworks(t) {
  const left = await hold(t, UNSHARE)
  const right = await hold(t, [...enter(left), 'unshare', '--net'])
  const ip = (side, ...args) => run([...enter(side), 'ip', ...args])

  ip(left, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', String(right))
  for (const [side, host] of [
    [left, HOSTS.left],
    [right, HOSTS.right],
  ]) {
    ip(side, 'link', 'set', 'lo', 'up')
    ip(side, 'address', 'add', `${host}/24`, 'dev', 'cable')
    ip(side, 'link', 'set', 'cable', 'up')
  }
  return {
    left: { inside: enter(left), host: HOSTS.left },
    right: { inside: enter(right), host: HOSTS.right },
    cut: () => ip(left, 'link', 'set', 'cable', 'down'),
    heal: () => ip(left, 'link', 'set', 'cable', 'up'),
  }
}

const enter = (pid) => ['nsenter', '--target', String(pid), '--user', '--net', '--preserve-credentials']

/** Keeps namespaces alive with a process in them; resolves with its id once it has its own. */
async function hold(t, [command, ...args]) {
  const holder = spawn(command, [...args, 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => holder.kill('SIGKILL'))
  let said = ''
  holder.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  await eventually(() => said === 'ready\n', { what: 'namespaces' })
  return holder.pid
}

function run([command, ...args]) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`${args.join(' ')}: ${stderr}`)
}

module.exports = { whyNoNetworks, createNetworks }
