'use strict'

const diagnostics = require('node:diagnostics_channel')
const addon = require('../engine/addon.js')
const { Mirror } = require('./mirror.js')

/**
 * The addon's key for the functions that are called after news: one for each load of this module
 * that has readers. An environment may load it several times (Jest resets its module registry).
 */
const WAKES = Symbol.for('clustershazbot.wakes')

/** A channel's key for the functions that are called when somebody subscribes to it. */
const HOOKS = Symbol.for('clustershazbot.hooks')

const changes = diagnostics.channel('clustershazbot:change')
const statuses = diagnostics.channel('clustershazbot:status')

/** Readers that wait for news (watches, and promises of a settled view), with the mirror. */
const waiting = new Map()
/** Refers to the mirror as long as a reader does. */
let latest
/** The mirror, while anybody listens to the emitter or the channels. */
let held
/** The emitter, and whether anybody listens to it. */
let emitter = { isHeard: false, tell() {} }

/**
 * Returns the mirror for a reader, which keeps it. It shows everything that has been told, which is
 * the present unless further news wait for the event loop.
 */
function currentMirror() {
  let mirror = latest?.deref()
  if (!mirror) {
    mirror = new Mirror()
    latest = new WeakRef(mirror)
  }
  if (mirror.isStale) refresh(mirror)
  return mirror
}

/** Has the addon call this module after news. Returns whether it did not before. */
function register() {
  addon[WAKES] ??= new Set()
  const wakes = addon[WAKES]
  if (wakes.has(handleNews)) return false
  wakes.add(handleNews)
  if (wakes.size === 1) {
    addon.onNews(() => {
      for (const wake of [...wakes]) wake()
    })
  }
  return true
}

function unregister() {
  addon[WAKES].delete(handleNews)
  if (addon[WAKES].size === 0) addon.onNews()
}

function handleNews() {
  holdIfHeard()
  const mirror = latest?.deref()
  if (mirror && (held || waiting.size > 0)) return refresh(mirror)
  // Nobody waits for news, so they wake this thread no more until a reader does.
  if (mirror) mirror.isStale = true
  unregister()
}

/** Reads the news into the mirror, and tells everybody. */
function refresh(mirror) {
  mirror.read((change, status) => {
    if (held) {
      emitter.tell(change, status)
      if (change && changes.hasSubscribers) changes.publish(change)
      if (status && statuses.hasSubscribers) statuses.publish(status)
    }
    for (const reader of [...waiting.keys()]) reader.handleChange()
  })
}

/** Tells the emitter and the channels from now on, if anybody listens to them. */
function holdIfHeard() {
  const isHeard = emitter.isHeard || changes.hasSubscribers || statuses.hasSubscribers
  if (!isHeard) held = undefined
  else if (!held) {
    register()
    const mirror = currentMirror()
    // What has happened before is not told.
    refresh(mirror)
    held = mirror
  }
}

/** Sets the emitter that is told the news. */
function tellTo(told) {
  emitter = told
  for (const channel of [changes, statuses]) hookInto(channel)
  holdIfHeard()
}

/** Notices new subscribers of a channel, for which Node has no event. */
function hookInto(channel) {
  if (!channel[HOOKS]) {
    channel[HOOKS] = new Set()
    channel.subscribe = function subscribe(subscription) {
      Object.getPrototypeOf(this).subscribe.call(this, subscription)
      for (const hook of channel[HOOKS]) hook.deref()?.()
    }
  }
  for (const hook of channel[HOOKS]) if (!hook.deref()) channel[HOOKS].delete(hook)
  channel[HOOKS].add(new WeakRef(holdIfHeard))
}

/** Adds a reader, whose `handleChange` is called after news. */
function wait(reader) {
  const mirror = currentMirror()
  waiting.set(reader, mirror)
  // News may have come before.
  if (register()) refresh(mirror)
}

function stopWaiting(reader) {
  waiting.delete(reader)
}

module.exports = { currentMirror, holdIfHeard, stopWaiting, tellTo, wait }
