'use strict'

const assert = require('node:assert/strict')
const { readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
const MAX_LINES = 400
/** The page is one script, which browsers load as it is. */
const PAGE = 'js/dashboard/dashboard.js'
const MAX_PAGE_LINES = 660
/** Columns of a comment, except for JSDoc types. Tests of Rust and of documents check theirs. */
const MAX_COLUMNS = 100
/** Modules in a folder of `js/`. The entry points and types of one module count once. */
const MAX_MODULES = 10

/** The folders of `js/` from top to bottom: each may require from those below it. */
const JS_FOLDERS = [
  'js/cli',
  'js/cli/commands',
  'js/cli/doctor',
  'js/cli/client',
  'js/cli/http',
  'js/cli/output',
  'js/adapters',
  'js/adapters/core',
  'js/adapters/core/routes',
  'js/adapters/core/raw',
  'js/adapters/core/responses',
  'js/adapters/core/bodies',
  'js/adapters/core/http',
  'js',
  'js/metrics',
  'js/health',
  'js/owners',
  'js/requests',
  'js/roster',
  'js/streams',
  'js/events',
  'js/engine',
  'js/dashboard',
]

/** What src/security/ may use: itself, and types of the protocol. */
const SHARED_WITH_SECURITY = [
  'base_url',
  'config',
  'envelope',
  'extension',
  'message',
  'secret',
  'security',
  'status',
  'time',
]

describe('the structure of the tree', () => {
  test('folders of js/ require only from folders below them', () => {
    for (const file of filesBelow('js', /\.m?js$/)) {
      const layer = JS_FOLDERS.indexOf(path.posix.dirname(file))
      assert.notEqual(layer, -1, `${file} is in a folder that the order does not contain`)
      for (const required of requiredBy(file)) {
        const other = JS_FOLDERS.indexOf(path.posix.dirname(required))
        if (required !== 'binding.js') assert.ok(other >= layer, `${file} requires ${required}`)
      }
    }
  })

  test('modules of js/ have no import cycles', () => {
    const files = filesBelow('js', /\.m?js$/)
    assertNoCycle(new Map(files.map((file) => [file, requiredBy(file)])))
  })

  for (const layer of ['binding', 'driver', 'driver/transport', 'security', 'sim']) {
    test(`modules of src/${layer}/ have no import cycles`, () => {
      const modules = modulesOf(layer)
      assert.ok([...modules.values()].some((used) => used.length > 0))
      assertNoCycle(modules)
    })
  }

  test('src/security/ and the membership machine know nothing of each other', () => {
    for (const file of filesBelow('src/security', /\.rs$/)) {
      for (const [, used] of read(file).matchAll(/crate::(?:protocol::)?(\w+)/g))
        assert.ok(SHARED_WITH_SECURITY.includes(used), `${file} uses ${used}`)
    }
    for (const file of filesBelow('src/protocol', /\.rs$/))
      assert.ok(!read(file).includes('crate::security'), `${file} uses src/security/`)
  })

  test('a folder of js/ has at most ten modules', () => {
    for (const folder of JS_FOLDERS) {
      const files = readdirSync(path.join(ROOT, folder), { withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      )
      const modules = new Set(files.map(({ name }) => name.replace(/\..*/, '')))
      assert.ok(modules.size <= MAX_MODULES, `${folder} has ${modules.size} modules`)
    }
  })

  test('a source file has at most 400 lines', () => {
    const folders = ['js', 'src', 'scripts', 'benches', '__test__']
    const files = folders.flatMap((folder) => filesBelow(folder, /\.(?:[cm]?[jt]s|rs)$/))
    for (const file of files) {
      const lines = read(file).trimEnd().split('\n').length
      const most = file === PAGE ? MAX_PAGE_LINES : MAX_LINES
      assert.ok(lines <= most, `${file} has ${lines} lines`)
    }
  })

  test('comments of the crate contain no programs, because `npm test` would not run them', () => {
    for (const file of filesBelow('src', /\.rs$/)) {
      const fences = [...read(file).matchAll(/^ *\/\/[/!] *```(.*)$/gm)].map(([, language]) => language)
      for (const [index, language] of fences.entries())
        assert.equal(language, index % 2 === 0 ? 'text' : '', `${file}: \`\`\`${language}`)
    }
  })

  test('comments of scripts and settings are narrow', () => {
    const folders = ['.ci', '.github', '__test__', 'benches', 'examples', 'js', 'scripts']
    const settings = ['Cargo.toml', 'build.rs', 'clippy.toml', 'deny.toml', 'rustfmt.toml', '.ci/run']
    const files = folders.flatMap((folder) => filesBelow(folder, /\.(?:[cm]?[jt]s|c|sh|ya?ml|toml)$/))
    for (const file of [...settings, ...files])
      for (const line of read(file).split('\n'))
        if (/^\s*(?:#|\/\/|\/?\*+ )/.test(line) && !/[{}]/.test(line))
          assert.ok([...line].length <= MAX_COLUMNS, `${file}: ${line}`)
  })
})

function requiredBy(file) {
  const specifiers = read(file).matchAll(/(?:\brequire\(|\bfrom )'(\.[^']*)'/g)
  return [...specifiers].map(([, specifier]) => path.posix.join(path.posix.dirname(file), specifier))
}

/**
 * The modules directly in a folder of `src/`, each with the siblings that it uses outside tests.
 */
function modulesOf(folder) {
  const own = `src/${folder}`
  const absolute = `crate::${folder.replaceAll('/', '::')}`
  const isFacadeOrTest = (file) =>
    file === `${own}/mod.rs` || /\/tests(?:\/|\.rs$)/.test(file.slice(own.length))
  const files = filesBelow(own, /\.rs$/).filter((file) => !isFacadeOrTest(file))
  const names = new Set(files.map((file) => moduleOf(file, own)))
  const used = new Map([...names].map((name) => [name, []]))
  for (const file of files) {
    const name = moduleOf(file, own)
    const depth = file.slice(own.length + 1).split('/').length - (file.endsWith('/mod.rs') ? 1 : 0)
    const code = read(file)
      .split('#[cfg(test)]')[0]
      .replace(/\/\/.*/g, '')
    const prefixes = [absolute, Array(depth).fill('super').join('::')]
    for (const prefix of prefixes) {
      const paths = code.matchAll(new RegExp(`(?<![\\w:])${prefix}::(\\w+|\\{[^;]*?\\};)`, 'g'))
      for (const [, found] of paths)
        for (const [word] of found.matchAll(/\w+/g))
          if (names.has(word) && word !== name) used.get(name).push(word)
    }
  }
  return used
}

/** The module that a file belongs to: a subfolder is one module. */
function moduleOf(file, folder) {
  return file
    .slice(folder.length + 1)
    .split('/')[0]
    .replace(/\.rs$/, '')
}

function assertNoCycle(edges) {
  const done = new Set()
  const visit = (node, trail) => {
    assert.ok(!trail.includes(node), `a cycle: ${[...trail.slice(trail.indexOf(node)), node].join(' -> ')}`)
    if (done.has(node)) return
    for (const next of edges.get(node) ?? []) visit(next, [...trail, node])
    done.add(node)
  }
  for (const node of edges.keys()) visit(node, [])
}

function filesBelow(folder, pattern) {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`
    if (entry.isDirectory())
      return ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(file, pattern)
    return pattern.test(entry.name) ? [file] : []
  })
}

function read(file) {
  return readFileSync(path.join(ROOT, file), 'utf8')
}
