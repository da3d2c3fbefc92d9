'use strict'

const addon = require('../addon.js')
const { withPublicErrors } = require('../errors.js')

/** Who waits for an answer that another thread gives, by the number of the request. */
const waiting = new Map()
let requests = 0

/** The last tail that answers share, with its number. These bytes only go out: whoever changed them would change later answers. */
let kept = { number: 0 }

const path = new addon.RawPath((request, answer) => {
  const resolve = waiting.get(request)
  waiting.delete(request)
  resolve(answer)
})

/**
 * The answer to a gossip request.
 *
 * @param {string} authorization
 * @param {Uint8Array[]} body in one or more parts, which nobody may change meanwhile
 */
const gossipRaw = withPublicErrors((authorization, body) =>
  answered((request, has) => path.gossip(request, has, authorization, body)),
)

/** The answer to a list request. */
const listRaw = withPublicErrors((authorization) =>
  answered((request, has) => path.list(request, has, authorization)),
)

/** At once, or as a promise: the answer with its bytes in one or two parts. */
function answered(ask) {
  // On the other side it has 32 bits.
  requests = (requests + 1) >>> 0
  const request = requests
  const had = kept
  const answer = ask(request, had.number)
  if (answer) return whole(answer, had)
  return new Promise((resolve) => waiting.set(request, (answer) => resolve(whole(answer, had))))
}

function whole(answer, had) {
  if (ArrayBuffer.isView(answer)) return { status: 200, parts: [answer] }
  const { status, head, tail, number } = answer
  const parts = [Buffer.from(head)]
  if (number) parts.push(tail ?? had.tail)
  if (tail) kept = { number, tail }
  return { status, parts }
}

module.exports = { gossipRaw, listRaw }
