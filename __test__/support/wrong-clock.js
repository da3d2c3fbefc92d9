'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawnSync } = require('node:child_process')

const SOURCE = path.join(__dirname, '..', 'fixtures', 'clock.c')

const isGlibc = () => Boolean(process.report.getReport().header.glibcVersionRuntime)

/** The reason why clocks of processes cannot be set here, or false. */
const noClocks =
  (process.platform !== 'linux' || !isGlibc() || spawnSync('cc', ['--version']).status !== 0) &&
  'needs Linux with glibc and a C compiler'

/**
 * A wall clock for one process, correct until it is set; `env` are the variables of the process.
 *
 * @param {import('node:test').TestContext} t
 * @param {number} [seconds] its initial offset
 */
function createClock(t, seconds = 0) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'clock-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const library = path.join(folder, 'clock.so')
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl'])
  if (status !== 0) throw new Error(`cc: ${stderr}`)
  const file = path.join(folder, 'offset')
  const set = (off) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(Math.round(off)))
    const handle = fs.openSync(file, fs.existsSync(file) ? 'r+' : 'w')
    fs.writeSync(handle, bytes, 0, bytes.length, 0)
    fs.closeSync(handle)
  }
  set(seconds)
  return { env: { LD_PRELOAD: library, CLOCK_OFFSET_FILE: file }, set }
}

module.exports = { createClock, noClocks }
