import { createServer } from 'node:net'

// Below the range of ephemeral ports, so that a server that is down keeps its port until it
// returns.
const FIRST = 12_000
const LAST = 32_000

/** Returns different loopback ports on which nothing listens. */
export async function freePorts(count) {
  const ports = new Set()
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
