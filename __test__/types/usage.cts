import { type GossipMessage, shazbotGossipRequest, shazbotStart } from 'clustershazbot'

import clustershazbot = require('clustershazbot')

const start: () => Promise<void> = clustershazbot.shazbotStart

export async function use(message: GossipMessage): Promise<number> {
  await start()
  await shazbotStart()
  return (await shazbotGossipRequest('secret', message)).online.length
}
