/**
 * A plot of cost against the number of servers, with logarithmic scales; readable on light and dark
 * backgrounds.
 */

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 420, 72, 210, 48, 52]
const COLOURS = 6

const STYLE = `svg{background:#fff;color:#1c2024;font:13px system-ui,sans-serif}text{fill:currentColor}
.grid{stroke:currentColor;stroke-opacity:.14}.line{fill:none;stroke-width:2.5;stroke-linejoin:round}
.dashed{stroke-dasharray:5 4;stroke-width:1.5}.title{font-size:16px;font-weight:600}.small{font-size:12px;fill-opacity:.75}
${['#0b62c4', '#c2410c', '#15803d', '#9333ea', '#b45309', '#be185d'].map(colour).join('')}
@media(prefers-color-scheme:dark){svg{background:#14171a;color:#e8eaed}
${['#6db1ff', '#ff9a5c', '#4ade80', '#c99bff', '#fbbf24', '#f58cb9'].map(colour).join('')}}`

function colour(value, index) {
  return `.c${index}{stroke:${value}}.t${index}{fill:${value}}`
}

/**
 * @param {import('./row.mjs').Row[]} measured one line per name, and a dashed one for its reference
 */
export function plot(title, measured) {
  const rows = measured.filter(({ servers }) => servers)
  const isCompared = rows.some(({ reference }) => reference)
  const lines = [...new Set(rows.map(({ name }) => name))].map((name) =>
    rows.filter((row) => row.name === name),
  )
  const values = rows
    .flatMap(({ value, reference }) => [value, reference ?? value])
    .filter((value) => value > 0)
  const x = scale(
    rows.map(({ servers }) => servers),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = scale(values, HEIGHT - BOTTOM, TOP)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}: microseconds by the number of servers</title>`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="${LEFT}" y="24">${title}</text>`,
    ...x.ticks.map((tick) => vertical(x.of(tick), tick)),
    ...y.ticks.map((tick) => horizontal(y.of(tick), tick)),
    `<text class="small" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">servers</text>`,
    `<text class="small" x="${LEFT}" y="${TOP - 8}">µs${isCompared ? '; dashed: the reference peer' : ''}</text>`,
    ...lines.flatMap((line, index) => drawn(line, index % COLOURS, x, y)),
    ...legend(lines.map(([{ name }]) => name)),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}

/** Returns a scale from the power of ten below the minimum to the one above the maximum. */
function scale(values, from, to) {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))))
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  const of = (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from)
  return { ticks, of: (value) => Number(of(value).toFixed(1)) }
}

function vertical(x, tick) {
  const label = `<text x="${x}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${tick.toLocaleString('en-US')}</text>`
  return `<line class="grid" x1="${x}" y1="${TOP}" x2="${x}" y2="${HEIGHT - BOTTOM}"/>${label}`
}

function horizontal(y, tick) {
  const label = `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${tick.toLocaleString('en-US')}</text>`
  return `<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/>${label}`
}

function drawn(rows, index, x, y) {
  const path = (kind, of) => {
    const points = rows.filter((row) => of(row) > 0).map((row) => `${x.of(row.servers)} ${y.of(of(row))}`)
    return points.length > 1 ? [`<path class="line ${kind}c${index}" d="M${points.join('L')}"/>`] : []
  }
  return [...path('', ({ value }) => value), ...path('dashed ', ({ reference }) => reference)]
}

function legend(names) {
  const x = WIDTH - RIGHT + 14
  return names.map(
    (name, index) => `<text class="t${index % COLOURS}" x="${x}" y="${TOP + 14 + 20 * index}">${name}</text>`,
  )
}
