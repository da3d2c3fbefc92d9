/** The memory of the roster, and of an engine that knows no other server. */

import { execFileSync } from 'node:child_process'
import { heardInProcess } from './memory/heard.mjs'
import { firstMessage } from './support/child.mjs'
import { measuredProgram } from './support/measured-program.mjs'
import { row } from './support/row.mjs'

export const title = 'Memory'
export const about =
  'For a known server: the growth of a pure Rust process. Short URLs are like `http://10.0.0.1:3000/`; long ones ' +
  'also have a path of 22 letters. In a Node.js process: the growth outside of the JavaScript heap, a minute after ' +
  'one message has named all servers and a minute after they were forgotten; the garbage of JavaScript is ' +
  'collected after each message and before each figure. For an engine without other servers: ' +
  'the resident memory of its process, minus that of a process without the package.'

const SIZES = [10_000, 100_000]
const BYTES = 130
const HEARD = { servers: 50_000, bytes: 200, keptPercent: 25 }
const MEGABYTES = 8

export async function measure({ quick = false, progress = () => {} } = {}) {
  progress('building')
  const program = measuredProgram()
  return [
    ...known(program),
    ...heard(program),
    ...(await heardByNode(quick ? 1 : 3, progress)),
    await engine(quick ? 1 : 5, progress),
  ]
}

function known(program) {
  const rows = []
  for (const servers of SIZES) {
    for (const [language, urls] of [
      ['native', 'short'],
      ['native', 'long'],
      ['legacy', 'short'],
    ]) {
      const text = execFileSync(program, ['memory', language, urls, `${servers}`], { encoding: 'utf8' })
      const name = { native: 'a native server', legacy: 'a legacy peer with an open check' }[language]
      // A member that is still to be checked has a check beside its entry, which is dropped after
      // its answer.
      const wanted = servers === 100_000 && language === 'native' && urls === 'short'
      rows.push(
        row({
          name: `${name}, ${urls} URLs`,
          servers,
          unit: 'bytes',
          numbers: [Number(text)],
          wanted: wanted ? { of: 'value', most: BYTES } : undefined,
        }),
      )
    }
  }
  return rows
}

function heard(program) {
  const text = execFileSync(program, ['heard', `${HEARD.servers}`], { encoding: 'utf8' })
  const [known, forgotten] = text.split(' ').map(Number)
  return heardRows('only heard of, short URLs', [known], [(forgotten / known) * 100])
}

async function heardByNode(repeats, progress) {
  progress(`${repeats} processes that hear of servers and forget them`)
  const measured = await Promise.all(Array.from({ length: repeats }, () => heardInProcess(HEARD.servers)))
  const shares = measured.map(([known, forgotten]) => (forgotten / known) * 100)
  return heardRows(
    'only heard of, in a Node.js process',
    measured.map(([known]) => known),
    shares,
  )
}

function heardRows(what, known, shares) {
  const { servers, bytes, keptPercent } = HEARD
  return [
    row({
      name: `a server ${what}`,
      servers,
      unit: 'bytes',
      numbers: known,
      wanted: { of: 'value', most: bytes },
    }),
    row({
      name: 'of that, after all of them were forgotten',
      servers,
      unit: '%',
      numbers: shares,
      wanted: { of: 'value', most: keptPercent },
    }),
  ]
}

async function engine(repeats, progress) {
  const numbers = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    progress(`process ${repeat + 1} of ${repeats}`)
    const [bare, alone] = await Promise.all(['bare', 'alone'].map(memory))
    numbers.push((alone - bare) / 1e6)
  }
  const wanted = { of: 'value', most: MEGABYTES }
  return row({ name: 'an idle engine', unit: 'MB', numbers, wanted })
}

async function memory(kind) {
  const input = { kind, interval: 30 }
  return (await firstMessage(new URL('./idle/server.mjs', import.meta.url), input, ['--expose-gc'])).memory
}
