'use strict'

const { EventEmitter } = require('node:events')
const { holdIfHeard, tellTo } = require('./feed.js')

const NAMES = ['up', 'suspect', 'trust', 'down', 'leave', 'forget', 'change', 'status']

/** Emits what this environment is told; see `index.d.ts`. */
class ShazbotEvents extends EventEmitter {
  addListener(name, listener) {
    super.addListener(name, listener)
    holdIfHeard()
    return this
  }

  on(name, listener) {
    return this.addListener(name, listener)
  }

  prependListener(name, listener) {
    super.prependListener(name, listener)
    holdIfHeard()
    return this
  }

  removeListener(name, listener) {
    super.removeListener(name, listener)
    holdIfHeard()
    return this
  }

  off(name, listener) {
    return this.removeListener(name, listener)
  }

  removeAllListeners(...names) {
    super.removeAllListeners(...names)
    holdIfHeard()
    return this
  }

  /** Calls all listeners, also after one of them has failed, as an `EventTarget` does. */
  emit(name, ...values) {
    const listeners = this.rawListeners(name)
    for (const listener of listeners) {
      try {
        const result = Reflect.apply(listener, this, values)
        if (typeof result?.then === 'function') result.then(undefined, raise)
      } catch (error) {
        raise(error)
      }
    }
    return listeners.length > 0
  }
}

/** Makes an error an `uncaughtException`. */
function raise(error) {
  process.nextTick(() => {
    throw error
  })
}

const shazbotEvents = new ShazbotEvents()

tellTo({
  get isHeard() {
    return NAMES.some((name) => shazbotEvents.listenerCount(name) > 0)
  },
  tell(change, status) {
    for (const piece of change?.news ?? []) shazbotEvents.emit(piece.type, piece)
    if (change) shazbotEvents.emit('change', change)
    if (status) shazbotEvents.emit('status', status)
  },
})

module.exports = { shazbotEvents }
