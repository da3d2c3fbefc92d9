/** The simulator's command line, as a release build. */

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds it and returns its path. */
export function buildSimulator() {
  const flags = [
    'build',
    '--release',
    '--no-default-features',
    '--example',
    'simulate',
    '--message-format=json',
  ]
  const text = execFileSync('cargo', flags, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const messages = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return messages.find(({ executable, target }) => executable && target.name === 'simulate').executable
}

/**
 * Replaces the text between two marks of a document: `<!-- name: begin -->` and `<!-- name: end
 * -->`.
 */
export function between(document, name, text) {
  const [first, last] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const [from, to] = [document.indexOf(first), document.indexOf(last)]
  if (from < 0 || to < from) throw new Error(`the document lacks the marks ${first} and ${last}`)
  return `${document.slice(0, from + first.length)}\n\n${text}\n${document.slice(to)}`
}
