'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { UrlIndex } = require('../../js/roster/url-index.js')

const SERVERS = 5_000

/** URLs as in real clusters, which differ at the beginning, in the middle or at the end. */
const NAMINGS = {
  addresses: (index) => `http://10.0.${index >> 8}.${index & 255}:3000/`,
  ports: (index) => `http://127.0.0.1:${10_000 + index}/`,
  paths: (index) => `https://gateway.example/a/path/of/some/length/${index}/`,
  pods: (index) => `http://web-${index}.web.default.svc.cluster.local:8080/`,
}

/** Looks up a copy of each URL, as a parser would create it. */
function found(index, urls) {
  return JSON.parse(JSON.stringify(urls)).map((url) => index.find(url))
}

function laid(urls) {
  const known = []
  const index = new UrlIndex(known)
  for (const url of urls) index.add([known.push(url) - 1])
  return { known, index }
}

for (const [kind, naming] of Object.entries(NAMINGS)) {
  for (const servers of [3, 10, 100, SERVERS]) {
    test(`all of ${servers} ${kind} are found in their slots`, () => {
      const urls = Array.from({ length: servers }, (_, index) => naming(index))
      const { index } = laid(['http://127.0.0.1:9/me/', ...urls])
      const slots = found(index, urls)
      const wrong = slots.filter((slot, index) => slot !== index + 1)
      assert.deepEqual(wrong, [])
      const strangers = Array.from({ length: servers }, (_, index) => naming(index + servers))
      assert.ok(found(index, strangers).every((slot) => slot === undefined))
    })
  }
}

test('a slot with a new URL is found by the new one only', () => {
  const urls = Array.from({ length: 100 }, (_, index) => NAMINGS.addresses(index))
  const { known, index } = laid(urls)
  for (let round = 1; round <= 20; round++) {
    for (let slot = 0; slot < 100; slot += 3) {
      const old = known[slot]
      index.remove(old)
      known[slot] = NAMINGS.addresses(round * 1_000 + slot)
      index.add([slot])
      assert.equal(index.find(old), undefined)
      assert.equal(index.find(known[slot]), slot)
    }
  }
})

test('short and colliding URLs are found and removed', () => {
  const alike = Array.from(
    { length: 1_000 },
    (_, index) => `http://${index}/${'x'.repeat(100 - `${index}`.length)}/`,
  )
  const { known, index } = laid([...alike, 'http://a/'])
  assert.deepEqual(
    found(index, known),
    known.map((_, index) => index),
  )
  assert.equal(index.find(''), undefined)
  for (const [slot, url] of known.entries()) {
    index.remove(url)
    known[slot] = `http://other-${slot}/`
    index.add([slot])
    assert.equal(index.find(url), undefined)
  }
})

test('many short URLs after a few long ones are found without a hash of the whole', (t) => {
  const longer = [0, 1, 2].map((index) => NAMINGS.pods(index))
  const shorter = Array.from({ length: SERVERS }, (_, index) => `http://10.0.0.1:${10_000 + index}/`)
  const known = [...longer]
  const index = new UrlIndex(known)
  for (const url of shorter) index.add([known.push(url) - 1])
  const whole = t.mock.method(Map.prototype, 'get')
  const slots = shorter.map((url) => index.find(url))
  assert.ok(whole.mock.callCount() < SERVERS / 10, `${whole.mock.callCount()} of ${SERVERS}`)
  assert.ok(slots.every((slot, index) => slot === index + longer.length))
})
