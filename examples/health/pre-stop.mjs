import { setTimeout as pause } from 'node:timers/promises'

// Kubernetes runs this in the container before it sends SIGTERM.
const { PORT = '3000', DRAIN_MS = '10000', SHAZBOT_CONTROL_SECRET } = process.env

try {
  const { status } = await fetch(`http://127.0.0.1:${PORT}/clustershazbot/control`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: SHAZBOT_CONTROL_SECRET },
    body: JSON.stringify({ message: 'control', online: false }),
  })
  if (status !== 200) console.error(`The drain was answered with ${status}`)
} catch (error) {
  console.error(error)
}
// Without a drain too: requests still arrive until all proxies know that this pod terminates.
await pause(Number(DRAIN_MS))
