import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plot } from './plot.mjs'
import { ROOT } from './root.mjs'
import { isMet } from './row.mjs'
import { cells, HEADINGS } from './text.mjs'

const DOCUMENT = join(ROOT, 'docs', 'performance.md')
const PICTURES = join(ROOT, 'docs', 'measured')
const [FIRST, LAST] = ['<!-- measured: begin -->', '<!-- measured: end -->']

/** Writes the document and its plots from the latest measurement of each part. */
export async function publish(names, folder) {
  mkdirSync(PICTURES, { recursive: true })
  const chapters = []
  for (const name of names) {
    const file = join(folder, `${name}.json`)
    if (!existsSync(file)) continue
    chapters.push(chapter(await import(`../${name}.mjs`), JSON.parse(readFileSync(file, 'utf8'))))
  }
  const before = readFileSync(DOCUMENT, 'utf8')
  const [from, to] = [before.indexOf(FIRST), before.indexOf(LAST)]
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} lacks the marks ${FIRST} and ${LAST}`)
  const text = chapters.join('\n\n')
  writeFileSync(DOCUMENT, `${before.slice(0, from + FIRST.length)}\n\n${text}\n\n${before.slice(to)}`)
  console.log(`\nwritten: ${DOCUMENT}, ${chapters.length} of ${names.length} parts`)
}

function chapter({ title, about, overview, plots = [] }, { machine, loadAfter, rows }) {
  const { date, processor, system, node, rust, load } = machine
  const targeted = rows.filter(({ wanted }) => wanted)
  const met = `${targeted.filter(isMet).length} of ${targeted.length} targets are met.`
  const where = `${date}; ${processor}; ${system}; ${node}, ${rust}; load average ${load} before, ${loadAfter} after.`
  if (overview) draw(overview, rows)
  const pictures = plots.map((picture) => {
    draw(picture, rows)
    const { file, title } = picture
    return `![${title}: microseconds by the number of servers](measured/${file}.svg)`
  })
  return [`## ${title}`, about, table(rows), ...pictures, `${met} ${where}`].join('\n\n')
}

function draw({ file, title, rows: isShown }, rows) {
  writeFileSync(join(PICTURES, `${file}.svg`), plot(title, rows.filter(isShown)))
}

function table(rows) {
  const line = (texts) => `| ${texts.join(' | ')} |`
  const rule = HEADINGS.map((_, column) => (column === 0 || column === 6 ? '---' : '--:'))
  return [line(HEADINGS), `|${rule.join('|')}|`, ...rows.map((row) => line(cells(row)))].join('\n')
}
