'use strict'

const assert = require('node:assert/strict')
const test = require('node:test')

const MEGABYTE = 1024 * 1024

/** Loads a separate copy of the module, with mocked timers; `pass` advances them. */
function loaded(t) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const path = require.resolve('../../js/adapters/core/responses/shared-texts.js')
  delete require.cache[path]
  const texts = require(path)
  delete require.cache[path]
  const pass = (seconds) => {
    for (let second = 0; second < seconds; second++) t.mock.timers.tick(1_000)
  }
  return { ...texts, pass }
}

test('a text is kept while requests look for it, and dropped after that', (t) => {
  const { storeText, latestText, pass } = loaded(t)
  storeText(1, Buffer.alloc(10))
  for (let time = 0; time < 10; time++) {
    pass(9)
    assert.equal(latestText().number, 1)
  }
  pass(30)
  assert.equal(latestText().number, 0)
  storeText(2, Buffer.alloc(10))
  assert.equal(latestText().number, 2)
  pass(30)
  assert.equal(latestText().number, 0)
})

test('a text in use is kept', (t) => {
  const { storeText, latestText, hold, release, availableBytes, pass } = loaded(t)
  const room = availableBytes()
  const text = storeText(1, Buffer.alloc(MEGABYTE))
  hold(text)
  pass(60)
  assert.equal(latestText(), text)
  assert.equal(availableBytes(), room - MEGABYTE)
  release(text)
  pass(60)
  assert.equal(latestText().number, 0)
  assert.equal(availableBytes(), room)
})
