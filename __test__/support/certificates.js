'use strict'

const { readFileSync } = require('node:fs')
const path = require('node:path')

/**
 * The path of a file in `fixtures/tls`: `ca.pem`, `issued.pem` (by `ca`, for 127.0.0.1),
 * `self-signed.pem` (for 127.0.0.1 and localhost), `other-host.pem` (for other.example), and so on.
 */
const fixture = (name) => path.join(__dirname, '..', 'fixtures', 'tls', name)

const readFixture = (name) => readFileSync(fixture(name))

/** The TLS options for a certificate of the fixtures, which share a key. */
const certificate = (name, options) => ({
  key: readFixture('test-only.key.pem'),
  cert: readFixture(`${name}.pem`),
  ...options,
})

module.exports = { fixture, readFixture, certificate }
