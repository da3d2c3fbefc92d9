import {
  type ControlMessage,
  shazbotControlRequest,
  shazbotGetServerList,
  shazbotGossipRequest,
  shazbotStart,
} from 'clustershazbot'

import {
  type ShazbotNews,
  shazbotEvents,
  shazbotSettled,
  shazbotStatus,
  shazbotWatch,
} from 'clustershazbot/events'

import { shazbotOwner, shazbotOwners, shazbotOwns, shazbotRunOnce } from 'clustershazbot/owners'

// Each line that ends in a comment is a mistake that the compiler has to find.
await shazbotStart('http://localhost:3000/') // one argument too many
await shazbotGossipRequest(undefined, { message: 'gossip', online: [] }) // no header
await shazbotGossipRequest('secret', { message: 'gossip' }) // no list
await shazbotGossipRequest('secret', { message: 'gossip', online: [{ baseUrl: 'http://localhost:3000/' }] }) // half an entry
const drain: ControlMessage = { message: 'control', online: 'false' } // a text instead of a boolean
await shazbotControlRequest('secret', drain)
shazbotGetServerList().offline.length // may be missing
shazbotEvents.on('gone', () => {}) // no such event
shazbotEvents.on('change', (news: ShazbotNews) => news.server) // a change is no news
shazbotWatch({ settle: '1s' }) // a text instead of a number
for await (const change of shazbotWatch()) change.news.length = 0 // may not be changed
shazbotStatus().phase = 'running' // may not be changed
await shazbotSettled({ atleast: 2 }) // no such option
shazbotOwns(42) // a number instead of a text
shazbotOwners('job') // no count
shazbotOwner('job').baseUrl // may be missing
await shazbotRunOnce('job') // no function
await shazbotRunOnce('job', () => 5, { atleast: 2 }) // no such option
console.log((await shazbotRunOnce('job', () => 5)).value) // it may not have run
