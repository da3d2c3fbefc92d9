'use strict'

/** The readers that wait for changes. Those that wait for nothing may simply be dropped. */
const readers = new Set()

/** What is counted of the readers of changes. */
const watchers = {
  get open() {
    return readers.size
  },
  /** How often a reader was told a difference, because it lagged too far behind the news. */
  overruns: 0,
}

/** Counts a reader until it ends, or waits no more. */
const countReader = (reader) => readers.add(reader)

const countEnd = (reader) => readers.delete(reader)

module.exports = { countEnd, countReader, watchers }
