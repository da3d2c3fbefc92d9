'use strict'

/**
 * Runs one request at a time. Those made meanwhile share the next response, which is current for
 * them too.
 */
function coalesced(call) {
  let current
  let next
  return function callOrShare() {
    if (current) {
      const again = () => {
        next = undefined
        return callOrShare()
      }
      next ??= current.then(again, again)
      return next
    }
    const answer = call()
    if (typeof answer.then !== 'function') return answer
    current = answer.finally(() => {
      current = undefined
    })
    return current
  }
}

module.exports = { coalesced }
