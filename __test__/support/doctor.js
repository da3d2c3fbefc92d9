'use strict'

const assert = require('node:assert/strict')
const { runCli } = require('./cli')
const { entry } = require('./entries')
const { CONTROL_SECRET, SECRET, UPLOAD_AUTH } = require('./environment')
const { createScriptedServer } = require('./scripted-server')

/** Runs `doctor`; resolves with its findings by check, and its code. */
async function examine(t, baseUrl, env = {}, args = []) {
  const { code, json, stdout, stderr } = await runCli(t, ['doctor', '--json', ...args, baseUrl], { env })
  assert.ok(json, stdout + stderr)
  assert.deepEqual(Object.keys(json), ['asked', 'ok', 'findings'])
  for (const { outcome, finding, remedy } of json.findings) {
    assert.match(finding, /^\S.*[.?!]$/)
    if (outcome === 'wrong' || outcome === 'warning') assert.match(remedy, /^\S.*[.]$/, finding)
  }
  assert.equal(
    json.ok,
    json.findings.every(({ outcome }) => outcome !== 'wrong'),
  )
  const text = JSON.stringify(json)
  for (const secret of [CONTROL_SECRET, SECRET, UPLOAD_AUTH]) assert.ok(!text.includes(secret), text)
  const of = (check, outcome) =>
    json.findings.filter((one) => one.check === check && (!outcome || one.outcome === outcome))
  return {
    code,
    findings: json.findings,
    /** The texts of a check with an outcome. */
    said: (check, outcome) =>
      of(check, outcome).map(({ finding, remedy }) => `${finding} ${remedy ?? ''}`.trim()),
  }
}

/** Starts a server of the cluster that is scripted; `change` returns other answers. */
async function startServer(t, change = () => undefined) {
  const server = await createScriptedServer(t, async (request) => {
    const { method, path, headers } = request
    const changed = await change(request, `${server.origin}/`)
    if (changed) return changed
    if (method === 'POST') {
      const isRight = [SECRET, CONTROL_SECRET].includes(headers.authorization)
      return isRight ? { body: { online: [] } } : { status: 401, body: { error: 'Unauthorized' } }
    }
    if (!path.endsWith('/list')) return { status: 404, body: '' }
    const offline = headers.authorization === CONTROL_SECRET ? { offline: [] } : {}
    return { body: { online: [entry(`${server.origin}/`)], ...offline } }
  })
  return { baseUrl: `${server.origin}/`, requests: server.requests }
}

module.exports = { examine, startServer }
