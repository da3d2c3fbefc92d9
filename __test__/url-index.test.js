'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')
const { Shortcuts } = require('../js/roster/url-index.js')

const SERVERS = 5_000

/** Names as clusters have them, which differ at their beginnings, in their midst, or at their ends. */
const NAMINGS = {
  addresses: (index) => `http://10.0.${index >> 8}.${index & 255}:3000/`,
  ports: (index) => `http://127.0.0.1:${10_000 + index}/`,
  paths: (index) => `https://gateway.example/a/path/of/some/length/${index}/`,
  pods: (index) => `http://web-${index}.web.default.svc.cluster.local:8080/`,
}

/** What is found of these names, by a copy of each as a parser would make it. */
function found(shortcuts, urls) {
  return JSON.parse(JSON.stringify(urls)).map((url) => shortcuts.find(url))
}

function laid(urls) {
  const known = []
  const shortcuts = new Shortcuts(known)
  for (const url of urls) shortcuts.add([known.push(url) - 1])
  return { known, shortcuts }
}

for (const [kind, naming] of Object.entries(NAMINGS)) {
  for (const servers of [3, 10, 100, SERVERS]) {
    test(`all of ${servers} ${kind} are found, and none in a wrong place`, () => {
      const urls = Array.from({ length: servers }, (_, index) => naming(index))
      const { shortcuts } = laid(['http://127.0.0.1:9/me/', ...urls])
      const places = found(shortcuts, urls)
      const wrong = places.filter((place, index) => place !== index + 1)
      assert.deepEqual(wrong, [])
      const strangers = Array.from({ length: servers }, (_, index) => naming(index + servers))
      assert.ok(found(shortcuts, strangers).every((place) => place === undefined))
    })
  }
}

test('a place that gets another name is not found by its old one, but by its new one', () => {
  const urls = Array.from({ length: 100 }, (_, index) => NAMINGS.addresses(index))
  const { known, shortcuts } = laid(urls)
  for (let round = 1; round <= 20; round++) {
    for (let place = 0; place < 100; place += 3) {
      const old = known[place]
      shortcuts.forget(old)
      known[place] = NAMINGS.addresses(round * 1_000 + place)
      shortcuts.add([place])
      assert.equal(shortcuts.find(old), undefined)
      assert.equal(shortcuts.find(known[place]), place)
    }
  }
})

test('names that are too short, or made to collide, are found, and forgotten', () => {
  const alike = Array.from(
    { length: 1_000 },
    (_, index) => `http://${index}/${'x'.repeat(100 - `${index}`.length)}/`,
  )
  const { known, shortcuts } = laid([...alike, 'http://a/'])
  assert.deepEqual(
    found(shortcuts, known),
    known.map((_, index) => index),
  )
  assert.equal(shortcuts.find(''), undefined)
  for (const [place, url] of known.entries()) {
    shortcuts.forget(url)
    known[place] = `http://other-${place}/`
    shortcuts.add([place])
    assert.equal(shortcuts.find(url), undefined)
  }
})
