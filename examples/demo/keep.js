/** Keeps the cluster and the live table running until Ctrl-C. */
export async function keepRunning(cluster, screen) {
  const running = cluster.members.filter((member) => member.running)
  const [{ url }] = running
  screen.chapter('The cluster keeps running; Ctrl-C ends it. Try in another terminal:')
  const secret = `-H 'Authorization: ${cluster.controlSecret}'`
  const drain = `-H 'Content-Type: application/json' -d '{"message":"control","online":false}'`
  screen.log(`
    curl ${cluster.store.url}
    curl ${secret} ${url}clustershazbot/list
    curl ${secret} ${drain} ${url}clustershazbot/control
    ${running.map(({ name, pid }) => `kill -9 ${pid}   # ${name}`).join('\n    ')}`)
  do screen.show(cluster.members, cluster.view())
  while (await cluster.changed())
}
