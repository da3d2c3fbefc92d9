import { styleFor } from './style.js'
import { sentencesFor, tableOf } from './table.js'

/** Opens the demo's output: a live table below a log in a terminal, plain lines anywhere else. */
export function openScreen(stream) {
  return stream.isTTY ? new LiveScreen(stream) : new PlainScreen(stream)
}

class Screen {
  constructor(stream) {
    this.stream = stream
    this.style = styleFor(stream)
  }

  title(text) {
    this.log(this.style.bold(text))
  }

  chapter(text) {
    this.log(`\n  ${this.style.cyan('▸')} ${text}`)
  }

  success(text) {
    this.log(`    ${this.style.green('✓')} ${text}`)
  }

  failure(text) {
    this.log(`    ${this.style.red('✗')} ${text}`)
  }

  note(text) {
    this.log(`    ${this.style.dim(text)}`)
  }
}

class LiveScreen extends Screen {
  #table = []

  log(text) {
    this.#redraw(text, this.#table)
  }

  show(members, view) {
    const table = tableOf(members, view, this.style)
    if (table.join() !== this.#table.join()) this.#redraw(undefined, table)
  }

  /** Removes the table. */
  close() {
    this.#redraw(undefined, [])
  }

  #redraw(text, table) {
    const back = this.#table.length > 0 ? `\x1b[${this.#table.length}A\x1b[0J` : ''
    const lines = text === undefined ? table : [text, ...table]
    this.stream.write(back + lines.map((line) => `${line}\n`).join(''))
    this.#table = table
  }
}

class PlainScreen extends Screen {
  #shown = new Set()

  log(text) {
    this.stream.write(`${text}\n`)
  }

  show(members, view) {
    const sentences = sentencesFor(members, view)
    for (const sentence of sentences) if (!this.#shown.has(sentence)) this.note(sentence)
    this.#shown = new Set(sentences)
  }

  close() {}
}
