/** The chapter of docs/protocol.md that `npm run simulate` writes: each number with its target. */

/** The targets in milliseconds by size. */
const targets = {
  join: { 100: { p50: 300 }, 1000: { p50: 500 }, 10000: { p50: 700 } },
  leave: { 100: { p50: 300 }, 1000: { p50: 500 }, 10000: { p50: 700 } },
  crash: { 100: { p50: 1500, p99: 5500 }, 1000: { p50: 1500, p99: 6000 }, 10000: { p50: 2000, p99: 6500 } },
  vanish: {
    100: { p50: 7000, p99: 11000 },
    1000: { p50: 9000, p99: 13000 },
    10000: { p50: 11000, p99: 15000 },
  },
}
const traffic = 2_000
/** The targets of a run with 10,000 servers. */
const most = { minutes: 20, gigabytes: 12 }
const legacyViews = 180_000

const sizes = [100, 1_000, 10_000]
const names = {
  join: 'join known to all',
  leave: 'leave known to all',
  crash: 'crash, port closed: known to all',
  vanish: 'host vanished: known to all',
  partition: 'partition of one minute: all know all after its end',
  'restart-storm': 'all restarted within one minute: all know all',
  upgrade: 'upgraded from version 1: known to all, legacy peers included',
}

/** Returns the chapter's text, and the runs whose plots it shows. */
export function chapter(found) {
  const get = (scenario, servers, ...others) =>
    found.find((run) => {
      const isSame = run.scenario === scenario && run.servers === servers
      return isSame && run.others.join(' ') === others.join(' ')
    })
  const shown = []
  const picture = (run, text) => {
    if (!run) return ''
    shown.push(run)
    return `![${text}](simulated/${run.name}.svg)\n`
  }
  const dates = found.map(({ date }) => date).sort()
  const parts = [
    found.length > 0 ? `Measured ${period(dates)}, seed 1. Targets are in brackets.` : '',
    tableWithTargets(get),
    slowestEvent(get),
    `The times of these rows have no targets. ${upgrades(get)}${largest(get)}`,
    tableWithoutTargets(get),
    '"Known to all" is the time until every server knew. Events do not overlap, because other news speeds up the detection of a crash.',
    reduced(get, row),
    ...pictures(get, picture),
    runsTable(found, row, grouped),
  ]
  return {
    text: parts
      .filter(Boolean)
      .join('\n\n')
      .replaceAll(/\n{3,}/g, '\n\n'),
    shown: [...new Set(shown)],
  }
}

const period = ([first, ...others]) => {
  const last = others.at(-1) ?? first
  return first === last ? `on ${last}` : `from ${first} to ${last}`
}
const grouped = (number) => number.toLocaleString('en-US')
const cpuTime = (seconds) => `${grouped(Math.ceil(seconds))} s`
const row = (title, cells) => `| ${title} | ${cells.join(' | ')} |`

function headerOfSizes() {
  const cells = sizes.map((size) => `N = ${grouped(size)}`)
  return [row('', cells), '|---|---|---|---|']
}

function tableWithTargets(get) {
  const each = (scenario) => sizes.map((size) => times(get(scenario, size), targets[scenario]?.[size]))
  return [
    ...headerOfSizes(),
    ...['join', 'leave', 'crash', 'vanish'].map((scenario) =>
      row(`${names[scenario]}, p50 / p99`, each(scenario)),
    ),
    row(
      'bytes sent per server and second, with headers',
      sizes.map((size) => sent(get('steady', size))),
    ),
    row('false deaths in 10 min with a quarter of the messages lost; traffic', [
      lost(get('lossy', 100)),
      lost(get('lossy', 1_000)),
      '',
    ]),
    row('death known to all legacy peers, with 90 % legacy peers, p50 / p99', [
      views(get('crash', 100, '--legacy-share', '0.9')),
      '',
      '',
    ]),
  ].join('\n')
}

/** Why some events take much longer than others. */
function slowestEvent(get) {
  const run = get('join', 10_000)
  if (!run) return ''
  return (
    `Among 10,000 servers, p99 is the slowest of ${run.results.events} events. For a join and a leave, it is one in ` +
    'which the news missed a server. That one learnt of the change when it compared its list with another server.'
  )
}

/** How many servers the upgrades are about. */
function upgrades(get) {
  const counts = sizes.map((size) => get('upgrade', size)?.results.events)
  if (counts.includes(undefined)) return ''
  const [few, several, many] = counts.map(grouped)
  return (
    'Servers are upgraded one after another; the figures are about the first ' +
    `${few} of 100, ${several} of 1,000 and ${many} of 10,000. `
  )
}

/** What the largest runs of events that affect all servers need, of time and memory. */
function largest(get) {
  const [partition, storm] = ['partition', 'restart-storm'].map((scenario) => need(get(scenario, 10_000)))
  const smaller = get('restart-storm', 1_000)?.results
  if (!partition || !(storm || smaller)) return ''
  return (
    'Each server learns all claims about all others, so that the cost of an event that affects all grows with the ' +
    `square of their number. Among 10,000 servers, the partition took ${partition}; ` +
    (storm
      ? `the restarts took ${storm}.`
      : 'the restarts were not simulated, as they take at least a hundred times as long as among 1,000 servers ' +
        `(${cpuTime(smaller.cpuSeconds / smaller.events)} of CPU time).`)
  )
}

function need(run) {
  const { realSeconds, cpuSeconds, peakBytes, threads } = run?.results ?? {}
  if (!(realSeconds && peakBytes)) return ''
  const [minutes, gigabytes] = [realSeconds / 60, peakBytes / 1e9]
  return (
    `${Math.ceil(minutes)} minutes on ${threads} processors (≤ ${most.minutes}: ${verdict(minutes <= most.minutes)}; ` +
    `${cpuTime(cpuSeconds)} of CPU time) and ${gigabytes.toFixed(1)} GB of memory (≤ ${most.gigabytes}: ` +
    `${verdict(gigabytes <= most.gigabytes)})`
  )
}

function tableWithoutTargets(get) {
  const rows = ['partition', 'restart-storm', 'upgrade'].map((scenario) =>
    row(
      `${names[scenario]}, p50 / slowest`,
      sizes.map((size) => slowest(get(scenario, size))),
    ),
  )
  return [...headerOfSizes(), ...rows].join('\n')
}

function pictures(get, picture) {
  const spread = (scenario) => {
    const size = [10_000, 1_000].find((size) => get(scenario, size))
    const event = scenario === 'vanish' ? 'vanished host' : scenario
    return picture(get(scenario, size), `The share of the servers that know of a ${event}, over time`)
  }
  return [
    picture(
      get('crash', 1_000, '--compare', 'legacy'),
      'A crash among 1,000 servers: this package and version 1',
    ),
    ...['join', 'leave', 'crash', 'vanish'].map(spread),
    picture(
      get('partition', 100),
      'A partition heals: the share of the servers that know all others, over time',
    ),
    picture(
      get('upgrade', 100),
      'A server upgraded from version 1: the share of the servers that know of it, over time',
    ),
    picture(
      get('restart-storm', 100),
      'All servers restart: the share of those that know all others, over time',
    ),
  ]
}

const seconds = (millis) =>
  millis === null || millis === undefined ? 'never' : `${(millis / 1_000).toFixed(2)} s`
const all = (run, key = 'milliseconds') => run?.results[key]?.['100%']
const verdict = (isMet) => (isMet ? 'met' : '**not met**')

function times(run, target = {}) {
  const found = all(run)
  if (!found) return '—'
  const text = `${seconds(found.p50)} / ${seconds(found.p99)}`
  const wanted = Object.entries(target)
  if (wanted.length === 0) return text
  const isMet = wanted.every(([rank, limit]) => found[rank] !== null && found[rank] <= limit)
  return `${text} (≤ ${wanted.map(([, limit]) => `${limit / 1_000} s`).join(' / ')}: ${verdict(isMet)})`
}

function sent(run) {
  if (!run) return '—'
  const bytes = Math.round(run.results.steady.bytesPerSecond)
  return `${bytes} (≤ ${traffic}: ${verdict(bytes <= traffic)})`
}

function lost(run) {
  if (!run) return '—'
  const { falseDeaths, steady } = run.results
  const kilobytes = Math.round(steady.bytesPerSecond / 1_000)
  return `${falseDeaths} (0: ${verdict(falseDeaths === 0)}), at ${kilobytes} kB/s per server`
}

function views(run) {
  const found = all(run, 'millisecondsOfLegacyPeers')
  if (!found) return '—'
  const isMet = found.p99 !== null && found.p99 <= legacyViews
  return `${seconds(found.p50)} / ${seconds(found.p99)} (≤ ${legacyViews / 1_000} s: ${verdict(isMet)})`
}

function slowest(run) {
  const found = all(run)
  return found ? `${seconds(found.p50)} / ${seconds(found.max ?? found.slowest)}` : '—'
}

/** The reduced model and the full one, and the results for up to a million servers. */
function reduced(get, row) {
  const flags = ['--reduced', 'yes']
  const cell = (run, share) => {
    const found = run?.results.milliseconds?.[share]
    return found ? `${seconds(found.p50)} / ${seconds(found.p99)}` : '—'
  }
  const rows = ['join', 'crash'].flatMap((scenario) =>
    ['50%', '99%', '100%'].map((share) =>
      row(`${scenario}: ${share === '100%' ? 'all' : share.replace('%', ' %')} know`, [
        cell(get(scenario, 10_000), share),
        cell(get(scenario, 10_000, ...flags), share),
        cell(get(scenario, 100_000, ...flags), share),
        cell(get(scenario, 1_000_000, ...flags), share),
      ]),
    ),
  )
  const intro =
    'A reduced model (`src/sim/reduced.rs`) keeps only the differences between servers; p50 / p99:'
  const header = [
    row('', ['full, N = 10,000', 'reduced, N = 10,000', 'reduced, N = 100,000', 'reduced, N = 1,000,000']),
    '|---|---|---|---|---|',
  ]
  return `${intro}\n\n${[...header, ...rows].join('\n')}`
}

/** The CPU time of a run. Older runs only have the elapsed time, or none. */
function cost(cpuSeconds, realSeconds) {
  if (cpuSeconds != null) return cpuTime(cpuSeconds)
  return realSeconds == null ? '' : `${cpuTime(realSeconds)} elapsed`
}

/** The parameters of each number. */
function runsTable(found, row, grouped) {
  const rows = found.map((run) => {
    const { cpuSeconds, realSeconds, simulatedSeconds, peakBytes, violations } = run.results
    const command = `\`cargo run --release --no-default-features --example simulate -- ${run.arguments.join(' ')}\``
    const memory = peakBytes ? `${(peakBytes / 1e9).toFixed(2)} GB` : ''
    const simulated = simulatedSeconds > 0 ? `${grouped(Math.round(simulatedSeconds))} s` : ''
    return row(command, [run.date, simulated, cost(cpuSeconds, realSeconds), memory, violations])
  })
  const header = row('command', ['date', 'simulated', 'CPU time', 'memory', 'violations of the invariants'])
  const table = [header, '|---|---|---|---|---|---|', ...rows].join('\n')
  return `<details><summary>All runs</summary>\n\n${table}\n\n</details>`
}
