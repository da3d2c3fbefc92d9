'use strict'

/** Gossip messages as servers send them, mutated within JSON and beyond. */

const { extension } = require('./native')

const HOUR = 3_600_000
const MOST_LEVELS = 3_000

/** A text that is written unescaped. */
class Raw {
  constructor(text) {
    this.text = text
  }
}

const raw = (text) => new Raw(text)

const oneOf = (list, roll) => list[roll(list.length)]

/** URLs of a few servers, so that messages name the same ones. */
function urlOf(roll) {
  const index = roll(12)
  const plain = `http://127.0.0.1:9/${index}/`
  if (roll(4) > 0) return plain
  const odd = [
    plain.slice(0, -1),
    plain.toUpperCase(),
    `  ${plain}\n`,
    `${plain}\n`,
    plain.replace('/1', '/\n1'),
    `${plain}\0`,
    `http://h${index}:80`,
    `HTTPS://H${index}.example:443/`,
    `http://h${index}.example.:8080/a/../b`,
    `http://bücher${index}.example/`,
    `http://xn--bcher-kva.example/${index}`,
    `http://xn--a/${index}`,
    `http://%68${index}/`,
    `http://h/${index}%2e/%2E%2e/x`,
    `http://h/ä ${index}"<>\`{}|^/`,
    `http://h/\u{1f600}/`,
    'http://h/\ufffd/',
    'http://h/\ud800/',
    'http://\udfff/',
    `http://[::1]:${index}/`,
    `http://[0:0::0:1]:900${index}/`,
    `http://[::ffff:127.0.0.1]:900${index}/`,
    `http://2130706433:900${index}/`,
    `http://0177.1:900${index}/`,
    `http://0x7f.0.0.0x1:900${index}`,
    `http://127.0.0.1.:900${index}`,
    `http://h:0${index}/`,
    `http://h:65536/`,
    `http://h_${index}.e-x~ample/`,
    `http:\\\\h${index}\\a`,
    `http:h${index}`,
    `http://u@h${index}/`,
    `http://h${index}/?q`,
    `http://h${index}/#f`,
    `ftp://h${index}/`,
    `http://h/${'x'.repeat(501 + roll(4))}`,
    `http://h/${'é'.repeat(250 + roll(4))}`,
    '',
    'x',
    `http://127.0.0.1:9/me${oneOf(['', '/'], roll)}`,
  ]
  return oneOf(odd, roll)
}

const NONCE = 'A'.repeat(22)

/** The start of this hour, so that a seed gives the same messages within an hour. */
const NOW = Date.now() - (Date.now() % HOUR)

/** A stamp that no moment of the test has. */
const stampOf = (roll, hours = [-72, -3, -2, 3, 48]) => NOW + oneOf(hours, roll) * HOUR + roll(3) * 1_000

function entryOf(roll) {
  return { baseUrl: urlOf(roll), monitor: roll(3) === 0, lastUpdate: stampOf(roll) }
}

/** A claim's stamp a day ahead is clamped, and would then depend on the millisecond. */
const NOT_AHEAD = [-72, -3, -2, 3]

function claimOf(roll) {
  const status = oneOf(['alive', 'alive', 'alive', 'dead', 'left', 'suspect'], roll)
  const now = NOW / 1_000
  const more = { alive: [], suspect: [[roll(9), 2]], dead: [roll(90_000)], left: [roll(90_000)] }[status]
  return [
    urlOf(roll),
    status,
    oneOf([0, 7, now - 9, now + 180_000], roll),
    stampOf(roll, NOT_AHEAD),
    roll(2),
    ...more,
  ]
}

const many = (roll, most, make) => Array.from({ length: roll(most) }, () => make(roll))

function extensionOf(roll) {
  const kind = oneOf(['push', 'push', 'probe', 'probe-for', 'sync', 'waltz'], roll)
  const more = {
    'probe-for': { target: urlOf(roll) },
    sync: { buckets: Array.from({ length: 63 + roll(2) }, () => 'ff') },
  }
  const found = roll(4) === 0 ? { found: [urlOf(roll), oneOf(['alive', 'refused', 'silent'], roll)] } : {}
  const claims = many(roll, 6, claimOf)
  return extension(urlOf(roll), {
    me: claimOf(roll).slice(0, 5),
    kind,
    claims,
    lag: roll(9),
    ...more[kind],
    ...found,
  })
}

function messageOf(roll) {
  const message = { message: 'gossip', online: many(roll, 8, entryOf), offline: many(roll, 4, entryOf) }
  if (roll(4) === 0) message.v2 = { nonce: NONCE, ...extensionOf(roll) }
  if (roll(20) === 0) delete message[oneOf(Object.keys(message), roll)]
  return message
}

const nested = (levels, open, inmost, close) => raw(open.repeat(levels) + inmost + close.repeat(levels))

const levelsOf = (roll) => roll(oneOf([20, 20, MOST_LEVELS], roll))

/** Texts that are not JSON. */
const BROKEN = [
  '01',
  '1.',
  '.5',
  '+1',
  'NaN',
  'Infinity',
  'undefined',
  "'x'",
  '"\\x"',
  '"\t"',
  '[1,]',
  '{"a":1,}',
  '',
]

/** Replaces any value. */
const JUNK = [
  () => null,
  () => true,
  () => false,
  () => [],
  () => [[]],
  () => ({}),
  () => '',
  () => 'push',
  () => '\ud800',
  () => 5,
  ...[
    '-0',
    '0.0',
    '5.0',
    '1e0',
    '1.5',
    '-1',
    '1e400',
    '-1e400',
    '9007199254740993',
    '18446744073709551615',
  ].map((text) => () => raw(text)),
  ...[
    '18446744073709551616',
    '4294967296',
    '4294967295.0',
    '255.0',
    '256',
    '1E+2',
    '1e-400',
    '1700000000000.5',
  ].map((text) => () => raw(text)),
  (roll) => nested(levelsOf(roll), '[', '', ']'),
  (roll) => nested(levelsOf(roll), '{"a":', '1', '}'),
  (roll) => nested(roll(20), '[', '{}', ']'),
  (roll) => raw(`${'{"a":'.repeat(roll(MOST_LEVELS))}1`),
]

const junk = (roll) => (roll(30) === 0 ? raw(oneOf(BROKEN, roll)) : oneOf(JUNK, roll)(roll))

const KEYS = [
  '__proto__',
  'constructor',
  'toJSON',
  'length',
  'x',
  '',
  '\ud800',
  'a\u0001',
  'baseUrl',
  'online',
  'v2',
]

/** Replaces some parts of a value with junk. */
function spoil(value, roll, often) {
  if (roll(often) === 0) return junk(roll)
  if (Array.isArray(value)) {
    const list = value.map((part) => spoil(part, roll, often))
    if (roll(often) === 0) list.splice(roll(list.length + 1), 0, junk(roll))
    return list
  }
  if (typeof value !== 'object' || value === null || value instanceof Raw) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, spoil(part, roll, often)]))
}

/** Writes a value as JSON in one of many ways. */
function write(value, roll, often) {
  const odd = () => roll(often) === 0
  const space = () =>
    odd() ? oneOf([' ', '\n', '\t\r', '\u00a0'].slice(0, roll(100) === 0 ? 4 : 3), roll) : ''
  if (value instanceof Raw) return value.text
  if (typeof value === 'string') return writeText(value, roll, odd)
  if (typeof value === 'number') return odd() ? oneOf(numbers(value), roll) : String(value)
  if (Array.isArray(value))
    return `[${space()}${value.map((part) => write(part, roll, often)).join(`,${space()}`)}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const pairs = Object.entries(value).flatMap(([key, part]) => {
    const pair = [key, part]
    if (!odd()) return [pair]
    return oneOf(
      [
        [[key, junk(roll)], pair],
        [pair, [oneOf(KEYS, roll), junk(roll)]],
        [pair, pair],
      ],
      roll,
    )
  })
  const texts = pairs.map(
    ([key, part]) => `${space()}${writeText(key, roll, odd)}${space()}:${space()}${write(part, roll, often)}`,
  )
  return `{${texts.join(',')}${space()}}`
}

function writeText(text, roll, odd) {
  const unit = (letter) => {
    const code = letter.charCodeAt(0)
    const hex = code.toString(16).padStart(4, '0')
    return `\\u${roll(2) ? hex : hex.toUpperCase()}`
  }
  if (odd())
    return `"${Array.from({ length: text.length }, (_, at) => (roll(3) ? unit(text[at]) : inside(text[at]))).join('')}"`
  // Contains a raw control character, which JSON forbids.
  if (roll(1_000) === 0) return `"${text.replaceAll('"', '')}"`.replaceAll('\\', '/')
  return JSON.stringify(text)
}

const inside = (letter) => (letter === '/' ? '\\/' : JSON.stringify(letter).slice(1, -1))

const numbers = (number) => [
  `${number}.0`,
  `${number}e0`,
  `${number}0E-1`,
  `${number}.000000000000000000000001`,
  `-${number}`,
  `${number / 1_000}e+3`,
]

/** Changes some bytes. */
function damage(bytes, roll) {
  const at = roll(bytes.length + 1)
  const cut = (from, to, ...between) =>
    Buffer.concat([bytes.subarray(0, from), ...between.map((part) => Buffer.from(part)), bytes.subarray(to)])
  const strays = [
    [0xff],
    [0xc3],
    [0xe0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x9f],
    [0],
    [1],
    [0x7f],
    '"',
    '\\',
    '{',
    ']',
    ',',
    ' ',
    '\ufeff',
  ]
  return oneOf(
    [
      () => cut(at, at + 1),
      () => cut(at, at, oneOf(strays, roll)),
      () => cut(at, at + 1, oneOf(strays, roll)),
      () => cut(at, bytes.length),
      () => cut(0, 0, '\ufeff'),
      () => cut(at, at, bytes.subarray(at, at + roll(40))),
    ],
    roll,
  )()
}

const damagedSometimes = (bytes, roll) => (roll(10) === 0 ? damage(bytes, roll) : bytes)

/**
 * Returns the bytes of a message, and the payload in it that its sender signs, if any.
 *
 * @param {(sides: number) => number} roll
 * @returns {{ bytes: Buffer, payload: string | undefined }}
 */
function mutatedMessage(roll) {
  const mutated = (value) => {
    const often = oneOf([20, 60, 200, 100_000], roll)
    const text = write(spoil(value, roll, often), roll, oneOf([8, 40, 200, 100_000], roll))
    return damagedSometimes(Buffer.from(text), roll)
  }
  const message = messageOf(roll)
  if (roll(2) === 0) return { bytes: mutated(message), payload: undefined }
  const payload = mutated(extensionOf(roll)).toString('base64url')
  // Most signed messages are intact, since any change of the payload has the same effect.
  const signed = { ...message, v2: payload }
  return { bytes: roll(4) === 0 ? mutated(signed) : Buffer.from(JSON.stringify(signed)), payload }
}

module.exports = { mutatedMessage }
