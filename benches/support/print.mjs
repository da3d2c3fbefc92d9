import { cells, HEADINGS } from './text.mjs'

/** Prints the figures of a part to the terminal. */
export function print(title, rows) {
  const lines = [HEADINGS, ...rows.map((row) => cells(row).map((text) => text.replaceAll('*', '')))]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  console.log(`\n${title}`)
  for (const [name, ...others] of lines) {
    const padded = others.map((text, column) => text.padStart(widths[column + 1]))
    console.log(`  ${[name.padEnd(widths[0]), ...padded].join('  ')}`.trimEnd())
  }
}
