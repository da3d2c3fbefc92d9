'use strict'

const { X509Certificate } = require('node:crypto')
const assert = require('node:assert/strict')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { describe, test } = require('node:test')
const { certificate, fixture, readFixture } = require('../support/certificates')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { bytes, createRawServer, healthy } = require('../support/raw-server')
const { startSubject } = require('../support/subject')

/** The TLS variables for files of a folder. */
const variablesIn = (folder) => ({
  NODE_EXTRA_CA_CERTS: fixture('ca.pem'),
  SHAZBOT_TLS_CERT: path.join(folder, 'tls.crt'),
  SHAZBOT_TLS_KEY: path.join(folder, 'tls.key'),
  SHAZBOT_TLS_CA: path.join(folder, 'ca.crt'),
})

/** A folder of TLS files as Kubernetes mounts it: all links change at once. */
function createMount(t, name) {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'clustershazbot-tls-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  let version = 0
  const mount = {
    folder,
    show(files) {
      const target = `..${++version}`
      fs.mkdirSync(path.join(folder, target))
      for (const [file, content] of Object.entries(files))
        fs.writeFileSync(path.join(folder, target, file), content)
      fs.symlinkSync(target, path.join(folder, '..new'))
      fs.renameSync(path.join(folder, '..new'), path.join(folder, '..data'))
    },
    showCertificate(name) {
      mount.show({
        'tls.crt': readFixture(`${name}.pem`),
        'tls.key': readFixture('test-only.key.pem'),
        'ca.crt': readFixture('ca.pem'),
      })
    },
  }
  mount.showCertificate(name)
  for (const file of ['tls.crt', 'tls.key', 'ca.crt'])
    fs.symlinkSync(path.join('..data', file), path.join(folder, file))
  return mount
}

/** A peer and a master list over TLS on one port, which ask for certificates and accept all. */
async function createPeer(t) {
  const secure = certificate('issued', {
    requestCert: true,
    rejectUnauthorized: false,
    ca: readFixture('ca.pem'),
  })
  const shown = []
  const server = await createRawServer(
    t,
    ({ method, target, connection }) => {
      shown.push([`${method} ${target}`, connection.socket.getPeerX509Certificate()?.fingerprint256])
      return target === '/list.json'
        ? bytes({ body: { online: [entry(baseUrl, aWhileAgo())] } })
        : healthy(baseUrl)
    },
    { secure },
  )
  const baseUrl = `https://127.0.0.1:${server.port}/`
  return { baseUrl, shown, store: { url: `${baseUrl}list.json` } }
}

const fingerprint = (name) => new X509Certificate(readFixture(`${name}.pem`)).fingerprint256

describe('client certificates', { concurrency: true }, () => {
  test('are shown to peers, not to the master list', async (t) => {
    const peer = await createPeer(t)
    const { folder } = createMount(t, 'issued')
    const { app } = await startSubject(t, { store: peer.store, env: variablesIn(folder) })
    assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl), app.output())
    for (const [target, shown] of peer.shown)
      assert.equal(shown, target === 'GET /list.json' ? undefined : fingerprint('issued'), target)
    assert.ok(peer.shown.some(([target]) => target === 'GET /list.json'))
  })

  test('are replaced while the server runs; useless files are not', async (t) => {
    const peer = await createPeer(t)
    const mount = createMount(t, 'issued')
    const env = { ...variablesIn(mount.folder), SHAZBOT_GOSSIP_INTERVAL: '0.2' }
    const { app } = await startSubject(t, { store: peer.store, env })
    const showsAll = (name) => () => {
      const latest = peer.shown.filter(([target]) => target.startsWith('POST')).slice(-3)
      return latest.every(([, shown]) => shown === fingerprint(name))
    }
    await eventually(showsAll('issued'), { what: 'the first certificate' })
    mount.showCertificate('issued-authority')
    await eventually(showsAll('issued-authority'), { within: 20_000, what: 'the second certificate' })

    const warnings = () => app.lines.filter(({ text }) => text.includes('the previous ones remain in use'))
    mount.show({
      'tls.crt': 'nothing',
      'tls.key': readFixture('test-only.key.pem'),
      'ca.crt': readFixture('ca.pem'),
    })
    await eventually(() => warnings().length === 1, { what: 'a warning' })
    assert.match(warnings()[0].text, /SHAZBOT_TLS_CERT.*contains no certificate/)
    const { length } = peer.shown
    await eventually(() => peer.shown.length > length + 3 && showsAll('issued-authority')(), {
      what: 'further gossip',
    })

    mount.showCertificate('issued')
    await eventually(showsAll('issued'), { within: 20_000, what: 'the first certificate again' })
    assert.equal(warnings().length, 1)
    assert.equal(app.output('stderr'), warnings()[0].text, 'no request has failed')
  })
})
