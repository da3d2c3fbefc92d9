'use strict'

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {number} [width] the least width, so that tables of different moments look alike
 * @property {number} [gap] spaces before the next column, 2 by default
 */

/**
 * Formats a table.
 *
 * @param {Column[]} columns
 * @param {string[][]} rows
 * @returns {string[]} the lines
 */
function formatTable(columns, rows) {
  const widths = columns.map(({ title, width = 0 }, index) =>
    rows.reduce((widest, row) => Math.max(widest, row[index].length), Math.max(title.length, width)),
  )
  const line = (cells) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] + (columns[index].gap ?? 2)))
      .join('')
      .trimEnd()
  return [line(columns.map(({ title }) => title)), ...rows.map(line)]
}

module.exports = { formatTable }
