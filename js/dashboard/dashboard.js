/**
 * The page of one server: reads its stream of changes, and shows them. URLs of servers come from
 * other servers, so they become text nodes only.
 */

/** The first and the longest pause between attempts to reach the server, in ms; pauses double. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [1_000, 30_000]
/** Silence that counts as a broken stream, in ms; the server sends a comment every 15 s. */
const MAX_SILENCE = 40_000
/** How long until the page asks for what the stream does not tell, in ms: after news, always. */
const [STATUS_DELAY, STATUS_INTERVAL] = [1_500, 15_000]
/** A difference of clocks that is ignored, in ms; the `Date` header has whole seconds. */
const CLOCK_TOLERANCE = 2_000
/** Pieces of news that the page keeps, that a list shows, and that are read out one by one. */
const [KEPT_NEWS, SHOWN_NEWS, SPOKEN_NEWS] = [2_000, 200, 3]
const STORAGE_KEY = 'clustershazbot.secret'

/** From the worst to the best. */
const STATES = ['dead', 'suspect', 'left', 'online']
const TYPES = {
  up: 'came',
  suspect: 'is suspect',
  trust: 'is trusted again',
  down: 'died',
  forget: 'is forgotten',
}
/** What rows are sorted by. */
const KEYS = {
  server: ({ baseUrl }) => baseUrl,
  state: ({ state }) => STATES.indexOf(state),
  since: ({ at }) => -at,
  cause: ({ cause }) => cause,
  language: ({ language }) => language,
  monitor: ({ monitor }) => Number(!monitor),
  news: ({ lastUpdate }) => -lastUpdate,
}

/** How far a key moves the focus between rows. */
const STEPS = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }
/** How long views may differ after a change, in ms: the server counts its latest 16 answers. */
const SETTLING_TIME = 20_000
/** How long the row of a change is marked, in ms. */
const FRESH_TIME = 3_000

const $ = (id) => document.getElementById(id)
const { compare } = new Intl.Collator('en', { numeric: true })
const clockTime = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const fullTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const formatCount = (count) => count.toLocaleString('en')
const rows = $('rows')
const now = () => Date.now() + clockOffset
const put = (element, text) => element.textContent !== text && element.replaceChildren(text)

let secret
let controlSecret
/** Aborted by the end of a log-in. */
let session = new AbortController()
let tryNow = () => {}
let lostAt
/** The server's time minus this browser's, in ms. */
let clockOffset = 0

/** What is known of each server, by its URL. */
const servers = new Map()
const serverOf = new WeakMap()
/** The servers whose rows are in sight, and those whose rows are out of date. */
const [visible, changed] = [new Set(), new Set()]
let sorting = { key: 'server', isReversed: false }
let isOrderOld = false
/** The row that the Tab key reaches. */
let activeRow
/** Oldest first. */
let news = []
/** The latest piece that the list shows. */
let latestShown
/** What the server tells about itself, and when it was asked. */
let facts = {}
let readAt
let statusTimer
let isStatusDue = false
/** The server whose details are shown, and the control request that a dialogue asks about. */
let opened
let asked
let isScheduled = false
/** What waits to be read out, and when something was. */
let unsaid = []
let saidAt = 0

// The log-in

async function logIn(given) {
  session.abort()
  session = new AbortController()
  secret = given
  controlSecret = undefined
  put($('login-error'), '')
  const { signal } = session
  const failure = await follow(signal)
  if (!signal.aborted) logOut(failure)
}

function logOut(reason = '') {
  session.abort()
  sessionStorage.removeItem(STORAGE_KEY)
  for (const dialog of document.querySelectorAll('dialog')) dialog.close()
  clearTimeout(statusTimer)
  isStatusDue = false
  secret = undefined
  controlSecret = undefined
  facts = {}
  for (const server of servers.values()) forget(server)
  news = []
  latestShown = undefined
  $('events').replaceChildren()
  document.body.dataset.mode = 'login'
  document.title = 'Cluster'
  put($('name'), 'Cluster')
  put($('facts'), 'clustershazbot')
  put($('login-error'), reason)
  setLink('none', '')
  $('secret').focus()
}

/** Shows the cluster, once the server has accepted the secret. */
function enter() {
  if (document.body.dataset.mode === 'view') return
  if ($('keep').checked) sessionStorage.setItem(STORAGE_KEY, secret)
  $('secret').value = ''
  document.body.dataset.mode = 'view'
  $('servers-title').focus()
}

// The stream

/** Reads streams until the log-in ends. Returns why the server does not let this page read. */
async function follow(signal) {
  let lastId
  let pause = FIRST_PAUSE
  while (!signal.aborted) {
    let reason = 'The server has ended the stream.'
    try {
      for await (const { id, event, data } of streamOf(lastId, signal)) {
        if (event === 'end') break
        if (id && !lastId) learnHistory(id, signal)
        lastId = id ?? lastId
        pause = FIRST_PAUSE
        setLink('live', 'Live')
        handle(event, JSON.parse(data))
      }
    } catch (error) {
      if (error.status === 401 || !lastId) return error.message
      reason = error.message
    }
    if (signal.aborted) return
    await pauseFor(pause * (0.8 + 0.4 * Math.random()), reason, signal)
    pause = Math.min(2 * pause, LONGEST_PAUSE)
  }
}

/** Yields the events of one stream. Throws if the server does not answer, or falls silent. */
async function* streamOf(lastId, signal) {
  const silence = new AbortController()
  let failure = 'The server does not answer.'
  let timer
  const hear = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), MAX_SILENCE)
  }
  hear()
  try {
    const { body } = await ask(lastId ? `watch?since=${lastId}` : 'watch', {
      signal: AbortSignal.any([signal, silence.signal]),
    })
    failure = 'The connection broke.'
    enter()
    yield* eventsOf(body, hear)
  } catch (error) {
    if (silence.signal.aborted) throw new Error('The server has fallen silent.')
    throw error.status ? error : new Error(failure)
  } finally {
    clearTimeout(timer)
  }
}

async function* eventsOf(body, hear) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  let event = {}
  for (;;) {
    const { value: text, done } = await reader.read()
    if (done) return
    hear()
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const [, field, value] = /^(\w+): ?(.*)$/.exec(line) ?? []
      if (field) event[field] = value
      if (line !== '') continue
      if (event.event) yield event
      event = {}
    }
  }
}

/** Sends a request. Throws an error with a text for people, unless the server accepts it. */
async function ask(path, { token = secret, ...options }) {
  const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) }
  const response = await fetch(`../${path}`, { ...options, headers, cache: 'no-store' }).catch(() => {
    throw new Error('The server does not answer.')
  })
  const offset = Date.parse(response.headers.get('Date')) - Date.now()
  clockOffset = Math.abs(offset) > CLOCK_TOLERANCE ? offset : 0
  if (response.ok) return response
  const { status } = response
  const { error } = await response.json().catch(() => ({}))
  const texts = {
    401: 'The server does not accept this secret.',
    429: 'This address has sent too many wrong secrets. Try again in a moment.',
  }
  const text = texts[status] ?? `The server answers ${status}${error ? `: ${error}` : ''}.`
  throw Object.assign(new Error(text), { status, reason: error })
}

async function pauseFor(delay, reason, signal) {
  const until = Date.now() + delay
  if (document.body.dataset.link === 'live') lostAt = Date.now()
  put($('broken-text'), `${reason} This page shows what was known at ${clockTime.format(lostAt)}.`)
  setLink('broken', 'Connection lost')
  await new Promise((resolve) => {
    const count = () => put($('next-try'), `Next attempt in ${Math.ceil((until - Date.now()) / 1_000)} s.`)
    count()
    const counter = setInterval(count, 1_000)
    const timer = setTimeout(() => tryNow(), delay)
    tryNow = () => {
      clearInterval(counter)
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', tryNow)
  })
  put($('next-try'), 'Trying now.')
}

function setLink(state, text) {
  if (document.body.dataset.link === state) return
  document.body.dataset.link = state
  put($('link-text'), text)
  setBanner('broken', state === 'broken')
  if (state === 'live') say(text)
}

/** Asks for the news before the first snapshot, as far as the server keeps them. */
async function learnHistory(id, signal) {
  const [engine, view] = id.split('-')
  const end = new AbortController()
  try {
    const path = `watch?since=${engine}-${Math.max(0, view - KEPT_NEWS / 2)}`
    const { body } = await ask(path, { signal: AbortSignal.any([signal, end.signal]) })
    for await (const { event, data } of eventsOf(body, () => {})) {
      if (event === 'status') continue
      if (event === 'change') news.unshift(...JSON.parse(data).news.filter((piece) => piece.view <= view))
      break
    }
    latestShown = undefined
    schedule()
  } catch {
    // The list begins with what happens from now on.
  }
  end.abort()
}

// What the server tells

function handle(event, value) {
  if (event === 'status') facts = { ...facts, ...value }
  else if (event === 'change') value.news.forEach(apply)
  else replaceAll(value.news)
  if (!isStatusDue) {
    isStatusDue = true
    clearTimeout(statusTimer)
    statusTimer = setTimeout(readStatus, facts.baseUrl ? STATUS_DELAY : 0)
  }
  schedule()
}

/** After an interruption, a snapshot tells news. */
function replaceAll(pieces) {
  const isFirst = servers.size === 0
  const listed = new Set(pieces.map(({ server }) => server.baseUrl))
  for (const server of servers.values())
    if (!listed.has(server.baseUrl)) apply({ type: 'forget', server, state: 'forgotten', at: now() })
  for (const piece of pieces)
    if (isFirst) set(piece)
    else if (servers.get(piece.server.baseUrl)?.state !== piece.state) apply(piece)
}

function apply(piece) {
  set(piece)
  news.push(piece)
  if (news.length > KEPT_NEWS) news = news.slice(-KEPT_NEWS / 2)
  say(`${piece.server.baseUrl} ${textOf(piece)}.`)
}

function set({ server: { baseUrl, monitor, lastUpdate }, state, cause = 'known', at, self }) {
  const known = servers.get(baseUrl)
  if (state === 'forgotten') return known && forget(known)
  const server = known ?? { baseUrl, language: 'unknown', row: createRow(baseUrl) }
  if (!known) {
    servers.set(baseUrl, server)
    serverOf.set(server.row, server)
    isOrderOld = true
  }
  update(server, { monitor, lastUpdate, state, cause, at, self })
}

function update(server, properties) {
  Object.assign(server, properties)
  changed.add(server)
  if (sorting.key !== 'server' || $('not-online').checked) isOrderOld = true
}

function forget(server) {
  sight.unobserve(server.row)
  server.row.remove()
  for (const group of [visible, changed]) group.delete(server)
  servers.delete(server.baseUrl)
  server.state = 'forgotten'
}

/** Reads what the stream does not tell: languages, stamps, and the version of this server. */
async function readStatus() {
  isStatusDue = false
  statusTimer = setTimeout(readStatus, STATUS_INTERVAL)
  if (document.hidden || document.body.dataset.link !== 'live') return
  const { signal } = session
  try {
    const { servers: listed, ...rest } = await (await ask('status', { signal })).json()
    if (signal.aborted) return
    facts = rest
    readAt = Date.now()
    for (const { baseUrl, language, monitor, lastUpdate } of listed) {
      const known = servers.get(baseUrl)
      const isNew = known?.language !== language || known.lastUpdate !== lastUpdate
      if (known && isNew) update(known, { language, monitor, lastUpdate })
    }
    schedule()
  } catch {
    // The stream tells whether the server can be reached.
  }
}

// What the page shows

/** Renders in the next frame; a hidden tab has none. */
function schedule() {
  if (isScheduled) return
  isScheduled = true
  if (document.hidden) setTimeout(render, 500)
  else requestAnimationFrame(render)
}

function render() {
  isScheduled = false
  changed.forEach(renderRow)
  changed.clear()
  if (isOrderOld) orderRows()
  renderHead()
  renderNews()
  if (opened) renderServer()
}

function createRow(baseUrl) {
  const row = $('row').content.firstElementChild.cloneNode(true)
  row.cells[0].firstElementChild.textContent = baseUrl
  sight.observe(row)
  return row
}

function renderRow(server) {
  const { row, state, cause, language, monitor, self } = server
  row.dataset.state = state
  row.toggleAttribute('data-self', self)
  put(row.cells[1].lastElementChild, state)
  put(row.cells[3], cause)
  put(row.cells[4], language)
  put(row.cells[5], monitor ? 'monitor' : '–')
  renderAges(server)
  renderAct(row.cells[7].firstElementChild, server)
}

function renderAges({ row, at, lastUpdate }) {
  row.toggleAttribute('data-fresh', now() - at < FRESH_TIME)
  put(row.cells[2], ageOf(now() - at))
  put(row.cells[6], ageOf(now() - lastUpdate))
}

function renderAct(button, { state, baseUrl }) {
  button.hidden = state === 'dead' || state === 'forgotten'
  put(button, state === 'left' ? 'Bring back' : 'Drain')
  button.setAttribute('aria-label', `${button.textContent} ${baseUrl}`)
}

/** Puts the rows into their order, and moves only those that are at a wrong place. */
function orderRows() {
  isOrderOld = false
  const text = $('filter').value.trim().toLowerCase()
  const hidden = $('not-online').checked ? 'online' : ''
  const key = KEYS[sorting.key]
  const sign = sorting.isReversed ? -1 : 1
  const order = (a, b) => (typeof a === 'string' ? compare(a, b) : a - b)
  const shown = [...servers.values()]
    .filter(({ state, baseUrl }) => state !== hidden && baseUrl.toLowerCase().includes(text))
    .sort((a, b) => sign * order(key(a), key(b)) || compare(a.baseUrl, b.baseUrl))
  const focused = rows.contains(document.activeElement) && document.activeElement
  let next = rows.firstElementChild
  for (const { row } of shown) {
    if (next && next.nextElementSibling === row) next.remove()
    else if (next !== row) rows.insertBefore(row, next)
    next = row.nextElementSibling
  }
  while (rows.children.length > shown.length) rows.lastElementChild.remove()
  if (!activeRow?.isConnected) activate(rows.firstElementChild)
  if (focused)
    (focused.isConnected ? focused : activeRow?.querySelector('button'))?.focus({ preventScroll: true })
  const counts = shown.length < servers.size ? [shown.length, servers.size] : [servers.size]
  put($('shown'), counts.map(formatCount).join(' of '))
  $('empty').hidden = shown.length > 0
}

function renderHead() {
  const counts = { online: 0, suspect: 0, dead: 0, left: 0 }
  let latest = 0
  for (const { state, at } of servers.values()) {
    counts[state]++
    latest = Math.max(latest, at)
  }
  const failing = counts.suspect + counts.dead
  counts.online += counts.suspect
  for (const count of $('counts').children)
    put(count.lastElementChild, formatCount(counts[count.dataset.state]))
  const { baseUrl, version, uptime, phase, isolated, disagreeing } = facts
  if (baseUrl) {
    put($('name'), baseUrl)
    put($('facts'), `clustershazbot ${version}, up ${ageOf(uptime + Date.now() - readAt)}`)
    document.title = `${failing ? `(${failing}) ` : ''}${new URL(baseUrl).host}`
  }
  setBanner('isolated', isolated)
  setBanner('differing', disagreeing > 0 && now() - latest > SETTLING_TIME)
  for (const name of ['drained', 'starting', 'leaving', 'stopped']) setBanner(name, phase === name)
}

function setBanner(id, isShown) {
  if ($(id).hidden !== Boolean(isShown)) return
  $(id).hidden = !isShown
  if (isShown) say($(id).textContent)
}

function renderNews() {
  if (latestShown === news.at(-1)) return
  const from = Math.max(news.lastIndexOf(latestShown) + 1, news.length - SHOWN_NEWS)
  const items = news.slice(from).map((piece, index) => itemOf(piece, news[from + index - 1]))
  if (!latestShown) $('events').replaceChildren()
  $('events').prepend(...items.reverse())
  while ($('events').children.length > SHOWN_NEWS) $('events').lastElementChild.remove()
  latestShown = news.at(-1)
}

/** Returns an item of a list of news, with the time since the piece before. */
function itemOf(piece, before) {
  const item = $('event').content.firstElementChild.cloneNode(true)
  const [, url, time, what, gap] = item.children
  item.dataset.state = piece.state
  url.textContent = piece.server.baseUrl
  time.textContent = clockTime.format(piece.at - clockOffset)
  what.textContent = textOf(piece)
  if (before) gap.textContent = `+${gapOf(Math.max(0, piece.at - before.at))}`
  return item
}

function textOf({ type, previous, cause }) {
  const isBack = type === 'up' && ['left', 'dead'].includes(previous)
  const text = isBack ? 'came back' : (TYPES[type] ?? 'left')
  return cause && cause !== 'known' ? `${text} (${cause})` : text
}

function ageOf(time) {
  const seconds = Math.max(0, Math.floor(time / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`
}

function gapOf(time) {
  if (time < 1_000) return `${time} ms`
  return time < 60_000 ? `${(time / 1_000).toFixed(1)} s` : ageOf(time)
}

/** Reads a text out, at most once a second. */
function say(text) {
  unsaid.push(text)
  if (unsaid.length === 1) setTimeout(speak, Math.max(0, saidAt + 1_000 - Date.now()))
}

function speak() {
  const { length } = unsaid
  put($('live'), length > SPOKEN_NEWS ? `${length} changes. ${unsaid[length - 1]}` : unsaid.join(' '))
  unsaid = []
  saidAt = Date.now()
}

// The dialogues

function openServer(server) {
  opened = server
  $('server-events').replaceChildren()
  renderServer()
  $('server').showModal()
}

function renderServer() {
  const { baseUrl, state, at, cause, language, monitor, lastUpdate } = opened
  const time = (stamp) => `${fullTime.format(stamp - clockOffset)} (${ageOf(now() - stamp)} ago)`
  const texts = [state, time(at), cause, language, monitor ? 'yes' : 'no', time(lastUpdate)]
  put($('server-name'), baseUrl)
  $('server-facts').dataset.state = state
  $('server-facts')
    .querySelectorAll('dd')
    .forEach((element, index) => {
      put(element.lastElementChild, texts[index])
    })
  renderAct($('server-act'), opened)
  const own = news.filter(({ server }) => server.baseUrl === baseUrl).slice(-SHOWN_NEWS)
  $('server-no-events').hidden = own.length > 0
  if ($('server-events').children.length === own.length) return
  $('server-events').replaceChildren(...own.map((piece, index) => itemOf(piece, own[index - 1])).reverse())
}

function askBack(server) {
  asked = { server: server.baseUrl, online: server.state === 'left' }
  $('confirm').dataset.online = asked.online
  put($('confirm-server'), server.baseUrl)
  put($('confirm-error'), '')
  $('confirm-secret-part').hidden = Boolean(controlSecret || secret)
  $('confirm').showModal()
}

async function control(event) {
  event.preventDefault()
  const request = asked
  if (request.isSent) return
  request.isSent = true
  const token = $('confirm-secret').value || controlSecret || secret
  const options = { token, method: 'POST', headers: { 'Content-Type': 'application/json' } }
  put($('confirm-error'), 'Waiting for the answer …')
  try {
    const { server, online } = request
    await ask('servers/control', { ...options, body: JSON.stringify({ server, online }) })
    controlSecret = token
    if (asked === request) $('confirm').close()
  } catch (error) {
    request.isSent = false
    if (asked === request) showRefusal(error)
  }
}

function showRefusal({ status, message, reason }) {
  if (status !== 401) return put($('confirm-error'), reason ? `${reason}.` : message)
  const isFirst = $('confirm-secret-part').hidden
  put($('confirm-error'), isFirst ? 'This needs the control secret.' : message)
  $('confirm-secret-part').hidden = false
  $('confirm-secret').focus()
}

// The keys and the clicks

function activate(row) {
  for (const button of activeRow?.querySelectorAll('button') ?? []) button.tabIndex = -1
  activeRow = row
  for (const button of row?.querySelectorAll('button') ?? []) button.tabIndex = 0
}

function moveFocus(event) {
  const step = STEPS[event.key]
  if (!step) return
  event.preventDefault()
  const all = [...rows.children]
  const index = all.indexOf(event.target.closest('tr')) + step
  const { cells } = all[Math.min(Math.max(index, 0), all.length - 1)]
  const button = cells[event.target.closest('th, td').cellIndex].firstElementChild
  ;(button.hidden ? cells[0].firstElementChild : button).focus()
}

function sortBy({ currentTarget: { parentElement: header, dataset } }) {
  sorting = { key: dataset.sort, isReversed: sorting.key === dataset.sort && !sorting.isReversed }
  document.querySelector('[aria-sort]').removeAttribute('aria-sort')
  header.ariaSort = sorting.isReversed ? 'descending' : 'ascending'
  reorder()
}

function reorder() {
  isOrderOld = true
  schedule()
}

function watchSight(entries) {
  for (const { target, isIntersecting } of entries) {
    const server = serverOf.get(target)
    if (!isIntersecting || !server) visible.delete(server)
    else {
      visible.add(server)
      renderAges(server)
    }
  }
}

function handleRowClick({ target }) {
  const row = target.closest('tr')
  if (!row) return
  const server = serverOf.get(row)
  if (target.closest('.act')) askBack(server)
  else openServer(server)
}

const sight = new IntersectionObserver(watchSight)
setInterval(() => {
  visible.forEach(renderAges)
  if (facts.baseUrl) renderHead()
}, 1_000)

$('login').addEventListener('submit', (event) => {
  event.preventDefault()
  logIn($('secret').value)
})
$('log-out').addEventListener('click', () => logOut())
$('try-now').addEventListener('click', () => tryNow())
$('filter').addEventListener('input', reorder)
$('not-online').addEventListener('change', reorder)
rows.addEventListener('click', handleRowClick)
rows.addEventListener('keydown', moveFocus)
rows.addEventListener('focusin', ({ target }) => activate(target.closest('tr')))
$('server-act').addEventListener('click', () => askBack(opened))
$('server').addEventListener('close', () => {
  opened = undefined
})
$('confirm-form').addEventListener('submit', control)
$('confirm').addEventListener('close', () => $('confirm-form').reset())
for (const button of document.querySelectorAll('[data-sort]')) button.addEventListener('click', sortBy)
for (const button of document.querySelectorAll('[data-close]'))
  button.addEventListener('click', () => button.closest('dialog').close())

const kept = sessionStorage.getItem(STORAGE_KEY)
if (kept || 'open' in document.body.dataset) logIn(kept ?? '')
