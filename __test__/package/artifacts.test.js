'use strict'

const { describe, test, before } = require('node:test')
const assert = require('node:assert/strict')
const {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

const OTHER_MACHINE = { x64: 'arm64', arm64: 'x64' }

describe('the check of prebuilt binaries', () => {
  let inspect
  let platforms
  let here
  let addon

  before(async () => {
    const scripts = '../../scripts/platforms'
    inspect = (await import(`${scripts}/inspect.mjs`)).inspectArtifact
    platforms = Object.keys((await import(`${scripts}/platforms.mjs`)).PLATFORMS)
    here = (await import(`${scripts}/rigs.mjs`)).platformOfThisMachine()
    addon = path.join(
      ROOT,
      readdirSync(ROOT).find((name) => name === `clustershazbot.${here}.node`),
    )
  })

  test('rejects a file that is not a library', () => {
    for (const platform of platforms) {
      const { faults } = inspect(platform, __filename)
      assert.match(faults.join(), /^it is not a valid (elf|pe|macho) file$/, platform)
    }
  })

  test('accepts the addon of this machine', () => {
    const { faults, summary } = inspect(here, addon)
    assert.match(summary, new RegExp(`^(elf|pe|macho) ${process.arch}, `))
    assert.doesNotMatch(faults.join(), /machine|file|napi_register_module_v1/)
  })

  test('rejects an addon for another architecture', () => {
    const other = here.replace(process.arch, OTHER_MACHINE[process.arch])
    assert.ok(
      inspect(other, addon).faults.includes(`it is for ${process.arch}, not ${OTHER_MACHINE[process.arch]}`),
    )
  })

  test('rejects an addon for another operating system', () => {
    for (const platform of platforms) {
      if (platform.split('-')[0] === here.split('-')[0]) continue
      assert.match(inspect(platform, addon).faults.join(), /^it is not /, platform)
    }
  })

  test('rejects an addon for another C library', { skip: process.platform !== 'linux' }, () => {
    const other = here.endsWith('-gnu') ? here.replace('-gnu', '-musl') : here.replace('-musl', '-gnu')
    assert.match(inspect(other, addon).faults.join(), /it needs .*libc\./)
  })
})

describe('a build', () => {
  const skip = process.platform === 'win32' && 'it replaces no file that is open'

  test('leaves the addon of running processes as it is', { skip }, async (t) => {
    const { replaceFile } = await import('../../scripts/platforms/build-cache.mjs')
    const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const [addon, library] = ['addon', 'library'].map((name) => path.join(folder, name))
    writeFileSync(addon, 'old')
    writeFileSync(library, 'new')
    const open = openSync(addon, 'r')
    t.after(() => closeSync(open))
    replaceFile(addon, library)
    assert.equal(readFileSync(open, 'utf8'), 'old')
    assert.equal(readFileSync(addon, 'utf8'), 'new')
    assert.deepEqual(readdirSync(folder), ['addon', 'library'])
  })
})
