'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { version } = require('../../package.json')

const ROOT = path.join(__dirname, '..', '..')
const TAG = `v${version}`

function createFolder(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A tree with the files that a release is checked by. */
function createTree(t) {
  const tree = createFolder(t)
  const parts = ['scripts', 'package.json', 'Cargo.toml', 'binding.js', 'CHANGELOG.md']
  for (const part of parts) cpSync(path.join(ROOT, part), path.join(tree, part), { recursive: true })
  // Not the addons, which a build may be replacing.
  const isForRead = (file) => !/\.node(?:\.unfinished)?$/.test(file)
  cpSync(path.join(ROOT, 'npm'), path.join(tree, 'npm'), { recursive: true, filter: isForRead })
  return tree
}

function run(tree, script, ...args) {
  return spawnSync(process.execPath, [path.join(tree, 'scripts', script), ...args], { encoding: 'utf8' })
}

function change(tree, file, from, to) {
  const text = readFileSync(path.join(tree, file), 'utf8')
  assert.ok(text.includes(from), `${file} has ${from}`)
  writeFileSync(path.join(tree, file), text.replaceAll(from, to))
}

describe('the notes of a release', { concurrency: 4 }, () => {
  test('are the text below its heading', (t) => {
    const tree = createTree(t)
    const changes = '# Changelog\n\n## 9.0.0\n\nLater.\n'
    for (const heading of [version, `[${version}] - 2026-01-31`]) {
      const entry = `\n## ${heading}\n\nIn short.\n\n### Added\n\n- More.\n\n## 1.0.0\n\nBefore.\n`
      writeFileSync(path.join(tree, 'CHANGELOG.md'), changes + entry)
      const { status, stdout, stderr } = run(tree, 'release/release-notes.mjs', TAG)
      assert.equal(status, 0, stderr)
      assert.equal(stdout, 'In short.\n\n### Added\n\n- More.\n')
    }
  })

  test('exist for the current version', () => {
    const { status, stdout, stderr } = run(ROOT, 'release/release-notes.mjs', TAG)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^- /m)
  })

  const rejected = {
    'another tag': ['v0.0.1', () => {}, `package.json has version ${version}`],
    'a tag that is not a version': [version, () => {}, 'a tag must be v and a version'],
    'no tag': ['', () => {}, 'no tag'],
    'a version without notes': [
      TAG,
      (tree) => change(tree, 'CHANGELOG.md', `## ${version}`, '## 0.0.1'),
      `CHANGELOG.md has no entry ${version}`,
    ],
    'a crate of another version': [
      TAG,
      (tree) => change(tree, 'Cargo.toml', `\nversion = "${version}"`, '\nversion = "0.0.1"'),
      'Cargo.toml has version 0.0.1',
    ],
    'a loader of another version': [
      TAG,
      (tree) => change(tree, 'binding.js', `expected ${version} but`, 'expected 0.0.1 but'),
      'binding.js has version 0.0.1',
    ],
    'a package of a platform of another version': [
      TAG,
      (tree) =>
        change(tree, 'npm/darwin-arm64/package.json', `"version": "${version}"`, '"version": "0.0.1"'),
      'npm/darwin-arm64/package.json has version 0.0.1',
    ],
  }
  for (const [what, [tag, spoil, complaint]] of Object.entries(rejected)) {
    test(`are rejected for ${what}`, (t) => {
      const tree = createTree(t)
      spoil(tree)
      const { status, stdout, stderr } = run(tree, 'release/release-notes.mjs', tag)
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.ok(stderr.includes(complaint), stderr)
    })
  }
})

describe('the published manifest', { skip: process.platform === 'win32' }, () => {
  for (const flags of [[], ['--dry-run']]) {
    test(`has no prepare script${flags.length > 0 ? ', and a dry run leaves the tree as it was' : ''}`, (t) => {
      const tree = createTree(t)
      const manifest = path.join(tree, 'package.json')
      const before = readFileSync(manifest, 'utf8')
      for (const platform of readdirSync(path.join(tree, 'npm')))
        writeFileSync(path.join(tree, 'npm', platform, `clustershazbot.${platform}.node`), '')
      const tools = path.join(tree, 'node_modules/.bin')
      mkdirSync(tools, { recursive: true })
      writeFileSync(path.join(tools, 'napi'), '#!/bin/sh\n', { mode: 0o755 })
      writeFileSync(path.join(tools, 'npm'), '#!/bin/sh\ncp package.json published.json\n', { mode: 0o755 })
      const { status, stderr } = run(tree, 'release/publish.mjs', '--local-build', ...flags)
      assert.equal(status, 0, stderr)
      const published = JSON.parse(readFileSync(path.join(tree, 'published.json'), 'utf8'))
      const { prepare, ...scripts } = JSON.parse(before).scripts
      assert.ok(prepare, 'a clone has it')
      assert.deepEqual(published, { ...JSON.parse(before), scripts })
      if (flags.length > 0) assert.equal(readFileSync(manifest, 'utf8'), before)
    })
  }
})

describe('the check of workflows', () => {
  const lint = (t, step) => {
    const file = path.join(createFolder(t), 'ci.yml')
    const job = `  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - ${step}\n`
    writeFileSync(file, `on: push\npermissions: {}\njobs:\n${job}`)
    return run(ROOT, 'test/lint-workflows.mjs', file)
  }

  test('accepts valid workflows', (t) => {
    const { status, stderr } = lint(t, `uses: actions/checkout@${'0'.repeat(40)} # v0`)
    assert.equal(status, 0, stderr)
  })

  test('finds errors that GitHub would report', (t) => {
    const { status, stderr } = lint(t, 'run: echo $' + '{{ matrix.node }}')
    assert.equal(status, 1)
    assert.match(stderr, /ci\.yml:7:\d+: property "node" is not defined/)
  })

  test('finds an action that is not pinned to a commit', (t) => {
    const { status, stderr } = lint(t, 'uses: actions/checkout@v6')
    assert.equal(status, 1)
    assert.match(stderr, /ci\.yml:7:1: actions\/checkout@v6 is not named by its full commit/)
  })
})
