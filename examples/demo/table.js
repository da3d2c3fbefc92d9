const INDENT = '    '
const SIGNS = { online: '●', offline: '✕', unknown: '·' }
const PORT_WIDTH = 9
const NO_ANSWER = ' '

/** Returns the table of views, one line per server, as an array of lines. */
export function tableOf(members, view, style) {
  const width = Math.max(...members.map(({ name }) => name.length)) + 2
  const colours = { online: style.green, offline: style.red, unknown: style.dim }
  const cell = (observer, subject) => {
    if (view.get(observer) === undefined) return NO_ANSWER.padEnd(width)
    const sight = viewOf(view, observer, subject)
    return colours[sight](SIGNS[sight].padEnd(width))
  }
  const rows = members.map((observer) => {
    const cells = members.map((subject) => cell(observer, subject)).join('')
    const state = observer.state === 'running' ? style.green(observer.state) : style.yellow(observer.state)
    const port = style.dim(`:${observer.port}`.padEnd(PORT_WIDTH))
    return INDENT + style.bold(observer.name.padEnd(width)) + port + cells + state
  })
  const names = members.map(({ name }) => name.padEnd(width)).join('')
  const legend = Object.entries(SIGNS)
    .map(([sight, sign]) => `${colours[sight](sign)} ${style.dim(sight)}`)
    .join('   ')
  return [
    '',
    INDENT + style.dim('sees'.padEnd(width + PORT_WIDTH)) + style.bold(names),
    ...rows,
    '',
    INDENT + legend,
    '',
  ]
}

/** Returns the same as text: one sentence per running server. */
export function sentencesFor(members, view) {
  return members
    .filter((member) => view.get(member) !== undefined)
    .map((observer) => {
      const named = (sight) =>
        members.filter((subject) => viewOf(view, observer, subject) === sight).map(({ name }) => name)
      const [online, offline] = [named('online'), named('offline')]
      const gone = offline.length > 0 ? `; offline: ${offline.join(' ')}` : ''
      return `${observer.name} sees ${online.join(' ')}${gone}`
    })
}

function viewOf(view, observer, subject) {
  return view.get(observer)?.get(subject.url) ?? 'unknown'
}
