import { createServer } from 'node:net'

// Below the range from which systems take ports for outgoing connections: a server that is down keeps its port until it comes back.
const FIRST = 12_000
const LAST = 32_000

/** Ports of the loopback interface that nobody listens on, all different. */
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
