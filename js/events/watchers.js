'use strict'

/** What is counted of the readers of changes. */
const watchers = {
  /** Readers that have not ended. */
  open: 0,
  /** How often a reader was told a difference, because it lagged too far behind the news. */
  overruns: 0,
}

/** Readers may simply be dropped. */
const dropped = new FinalizationRegistry(() => watchers.open--)

/** Counts a reader until it ends. */
function countReader(reader) {
  watchers.open++
  dropped.register(reader, undefined, reader)
}

/** Counts the end of a reader, once. */
function countEnd(reader) {
  if (dropped.unregister(reader)) watchers.open--
}

module.exports = { countEnd, countReader, watchers }
