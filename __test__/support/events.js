'use strict'

const path = require('node:path')
const { PACKAGE } = require('./subject')

/** The tested entry point. */
const EVENTS = path.join(PACKAGE, 'js', 'events')

const events = require(EVENTS)

const NAMES = ['up', 'suspect', 'trust', 'down', 'leave', 'forget', 'change', 'status']

/** Collects all events of this process until the test ends, as `[name, value]`. */
function hearAll(t) {
  const heard = []
  for (const name of NAMES) hear(t, name, (value) => heard.push([name, value]))
  return heard
}

/** Adds a listener until the test ends. */
function hear(t, name, listener) {
  events.shazbotEvents.on(name, listener)
  t.after(() => events.shazbotEvents.off(name, listener))
}

/** Opens a watch until the test ends. */
function watch(t, options) {
  const opened = events.shazbotWatch(options)
  t.after(() => opened.return())
  return opened
}

/** Each piece of news as `type baseUrl`, in its order. */
const brief = (news) => news.map(({ type, server }) => `${type} ${server.baseUrl}`)

/** Replays changes; returns the states by base URL. */
function replay(changes, states = new Map()) {
  for (const { news } of changes) {
    for (const { server, state } of news) {
      if (state === 'forgotten') states.delete(server.baseUrl)
      else states.set(server.baseUrl, state)
    }
  }
  return states
}

module.exports = { EVENTS, events, brief, hear, hearAll, replay, watch }
