import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plot } from './plot.mjs'
import { ROOT } from './root.mjs'
import { isMet } from './row.mjs'
import { cells, HEADINGS } from './text.mjs'

const DOCUMENT = join(ROOT, 'docs', 'performance.md')
const PICTURES = join(ROOT, 'docs', 'measured')
const [FIRST, LAST] = ['<!-- measured: begin -->', '<!-- measured: end -->']

/**
 * Writes the document and its plots from the latest measurement of each part. A part that was never
 * measured in this clone keeps its chapter.
 */
export async function publish(names, folder) {
  mkdirSync(PICTURES, { recursive: true })
  const before = readFileSync(DOCUMENT, 'utf8')
  const [from, to] = [before.indexOf(FIRST), before.indexOf(LAST)]
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} lacks the marks ${FIRST} and ${LAST}`)
  const kept = before
    .slice(from + FIRST.length, to)
    .trim()
    .split(/\n\n(?=## )/)
  const chapters = []
  let measured = 0
  for (const name of names) {
    const part = await import(`../${name}.mjs`)
    const file = join(folder, `${name}.json`)
    const isMeasured = existsSync(file)
    measured += isMeasured ? 1 : 0
    const written = isMeasured
      ? chapter(part, JSON.parse(readFileSync(file, 'utf8')))
      : kept.find((text) => text.startsWith(`## ${part.title}\n`))
    if (written) chapters.push(written)
  }
  const text = chapters.join('\n\n')
  writeFileSync(DOCUMENT, `${before.slice(0, from + FIRST.length)}\n\n${text}\n\n${before.slice(to)}`)
  console.log(`\nwritten: ${DOCUMENT}, ${measured} of ${names.length} parts measured`)
}

function chapter({ title, about, overview, plots = [] }, { machine, loadAfter, rows }) {
  const { date, processor, system, node, rust, load } = machine
  const targeted = rows.filter(({ wanted }) => wanted)
  const met = `${targeted.filter(isMet).length} of ${targeted.length} targets are met. `
  const where = `${date}; ${processor}; ${system}; ${node}, ${rust}; load average ${load} before, ${loadAfter} after.`
  if (overview) draw(overview, rows)
  const pictures = plots.map((picture) => {
    draw(picture, rows)
    const { file, title } = picture
    return `![${title}: microseconds by the number of servers](measured/${file}.svg)`
  })
  return [`## ${title}`, about, table(rows), ...pictures, `${targeted.length > 0 ? met : ''}${where}`].join(
    '\n\n',
  )
}

function draw({ file, title, rows: isShown }, rows) {
  writeFileSync(join(PICTURES, `${file}.svg`), plot(title, rows.filter(isShown)))
}

function table(rows) {
  const line = (texts) => `| ${texts.join(' | ')} |`
  const rule = HEADINGS.map((_, column) => (column === 0 || column === 6 ? '---' : '--:'))
  return [line(HEADINGS), `|${rule.join('|')}|`, ...rows.map((row) => line(cells(row)))].join('\n')
}
