import {
  type ControlMessage,
  shazbotControlRequest,
  shazbotGetServerList,
  shazbotGossipRequest,
  shazbotStart,
} from 'clustershazbot'

// Each line that ends in a comment is a mistake that the compiler has to find.
await shazbotStart('http://localhost:3000/') // one argument too many
await shazbotGossipRequest(undefined, { message: 'gossip', online: [] }) // no header
await shazbotGossipRequest('secret', { message: 'gossip' }) // no list
await shazbotGossipRequest('secret', { message: 'gossip', online: [{ baseUrl: 'http://localhost:3000/' }] }) // half an entry
const drain: ControlMessage = { message: 'control', online: 'false' } // a text instead of a boolean
await shazbotControlRequest('secret', drain)
shazbotGetServerList().offline.length // may be missing
