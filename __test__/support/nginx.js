'use strict'

const { spawn, spawnSync } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { eventually } = require('./eventually')
const { request } = require('./http')
const { freePort } = require('./ports')

/** Whether nginx is installed. */
const hasNginx = spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0

/**
 * Starts nginx with the settings of its packages, except that it passes requests below `from` to
 * the URL `to`; resolves with its base URL.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} from a path with slashes at both ends
 * @param {string} to
 */
async function startNginx(t, from, to) {
  const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-nginx-'))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const settings = `
    pid nginx.pid;
    error_log stderr error;
    events {}
    http {
      access_log off;
      gzip on;
      gzip_types text/css text/javascript text/event-stream;
      ${temporary.map((name) => `${name}_temp_path ${name};`).join('\n      ')}
      server {
        listen 127.0.0.1:${port};
        location ${from} { proxy_pass ${to}; }
      }
    }`
  writeFileSync(path.join(folder, 'nginx.conf'), settings)
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off;'], { stdio: 'ignore' })
  t.after(async () => {
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
    rmSync(folder, { recursive: true, force: true })
  })
  const baseUrl = `http://127.0.0.1:${port}`
  await eventually(() => request(baseUrl).catch(() => undefined), { what: 'nginx' })
  return baseUrl
}

module.exports = { hasNginx, startNginx }
