'use strict'

const { describe, test, before } = require('node:test')
const assert = require('node:assert/strict')
const { readdirSync } = require('node:fs')
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
