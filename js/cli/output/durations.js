'use strict'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The largest unit first. */
const UNITS = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
]

/**
 * Formats milliseconds as a whole number of one unit, such as `14 s` or `3 d`. What clocks make
 * negative is 0 s; anything but a number is `-`.
 */
function formatDuration(milliseconds) {
  if (!Number.isFinite(milliseconds)) return '-'
  const [unit, name] = UNITS.find(([unit]) => milliseconds >= unit) ?? [SECOND, 's']
  return `${Math.max(0, Math.floor(milliseconds / unit))} ${name}`
}

module.exports = { DAY, SECOND, formatDuration }
