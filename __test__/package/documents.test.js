'use strict'

const assert = require('node:assert/strict')
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
const DOCUMENTS = ['.', 'docs', 'docs/decisions', 'examples', 'npm'].flatMap(markdownFilesIn)

/** Programs that a document must show in full. */
const SHOWN_WHOLE = [
  'examples/adapters/express.ts',
  'examples/adapters/nestjs.ts',
  'examples/bundlers/esbuild.mjs',
  'examples/bundlers/ncc.mjs',
  'examples/bundlers/rollup.config.mjs',
  'examples/bundlers/webpack.config.mjs',
  'examples/express/server.ts',
  'examples/nestjs/clustershazbot.module.ts',
  'examples/nestjs/main.ts',
]
/** Programs that a document must show at least in part. */
const SHOWN_IN_PART = [
  ...filesIn('examples/adapters', /\.ts$/),
  ...filesIn('examples/health', /\.(ts|mjs|yaml)$/),
  ...filesIn('examples/recipes', /\.(ts|cjs)$/),
].filter((file) => file !== 'examples/recipes/node-http.ts')

/** The longest line of prose, in columns; tables, code and generated parts may be wider. */
const WIDEST = 100

const read = (file) => readFileSync(path.join(ROOT, file), 'utf8')

describe('the programs of the documents are the examples', () => {
  const whole = DOCUMENTS.flatMap((document) => programsOf(document, 'the file'))
  const parts = DOCUMENTS.flatMap((document) => programsOf(document, 'from'))

  test('programs shown whole', () => {
    for (const { document, file, code } of whole)
      assert.equal(code, read(file), `${document} shows another ${file}`)
    assert.deepEqual([...new Set(whole.map(({ file }) => file))].sort(), SHOWN_WHOLE)
  })

  test('programs shown in part', () => {
    for (const { document, file, code } of parts)
      assert.ok(read(file).includes(code), `${document} shows another ${file}`)
    assert.deepEqual([...new Set(parts.map(({ file }) => file))].sort(), SHOWN_IN_PART)
  })
})

test('the README lists all functions, the configuration all variables', () => {
  const types = read('index.d.ts')
  const readme = read('README.md')
  for (const [, name] of types.matchAll(/^export function (\w+)/gm))
    assert.ok(readme.includes(`| \`${name}(`), name)
  const configuration = read('docs/configuration.md')
  for (const [, name] of types.matchAll(/^ {2}(SHAZBOT_\w+)\??:/gm))
    assert.ok(configuration.includes(`| \`${name}\` |`), name)
})

describe('links and commands of the documents', () => {
  for (const document of DOCUMENTS) {
    test(`${document}: links lead to files and headings that exist`, () => {
      const text = read(document)
      const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/(?:src|href)="([^"]+)"/g)]
      for (const [, link] of links) {
        if (/^(https?|mailto):/.test(link)) continue
        const [target, anchor] = link.split('#')
        const file = target === '' ? document : path.posix.join(path.posix.dirname(document), target)
        assert.ok(existsSync(path.join(ROOT, file)), `${document}: ${link}`)
        if (anchor !== undefined) assert.ok(anchorsOf(read(file)).has(anchor), `${document}: ${link}`)
      }
    })

    test(`${document}: npm scripts exist`, () => {
      const folders = ['.', 'examples/adapters', 'examples/demo', 'examples/express', 'examples/nestjs']
      const manifests = folders.map((folder) => require(path.join(ROOT, folder, 'package.json')))
      for (const [, script] of read(document).matchAll(/\bnpm run (?:-s )?([\w:-]+)/g))
        assert.ok(
          manifests.some(({ scripts }) => script in scripts),
          `${document}: npm run ${script}`,
        )
    })
  }
})

test('a decision has one page: its context, the decision, alternatives, consequences', () => {
  const pages = DOCUMENTS.filter((document) => /^docs\/decisions\/\d/.test(document))
  assert.ok(pages.length >= 8, `${pages.length} pages`)
  for (const page of pages) {
    const text = read(page)
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    assert.deepEqual(headings, ['Context', 'Decision', 'Alternatives', 'Consequences'], page)
    const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word))
    assert.ok(words.length <= 300, `${page} has ${words.length} words`)
  }
})

test('the table of constants names files that exist', () => {
  const [, section] = read('docs/protocol.md').match(/^## 14\. Constants$([\s\S]*?)^## /m)
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  const files = rows.slice(1).flatMap((row) => [...row.split('|')[3].matchAll(/`([^`]+)`/g)])
  assert.ok(files.length > 80, `${files.length} files`)
  const protocol = readdirSync(path.join(ROOT, 'src/protocol'), { recursive: true }).map(toPosix)
  for (const [, file] of files) {
    const isInProtocol = protocol.some((known) => `/${known}`.endsWith(`/${file}`))
    assert.ok(isInProtocol || existsSync(path.join(ROOT, file)), file)
  }
})

test(`prose of the documents has at most ${WIDEST} columns`, () => {
  const written = DOCUMENTS.filter((document) => !document.startsWith('npm/'))
  for (const document of written)
    for (const line of proseOf(read(document)).split('\n'))
      assert.ok(line.startsWith('|') || [...line].length <= WIDEST, `${document}: ${line}`)
})

/** A Markdown text without its code blocks and generated parts. */
function proseOf(text) {
  return withoutCode(text).replace(/^<!-- [^>]*: begin -->[\s\S]*?^<!-- [^>]*: end -->/gm, '')
}

function withoutCode(text) {
  return text.replace(/^ *```[\s\S]*?^ *```/gm, '')
}

/**
 * The code blocks of a document with an example mark: `<!-- the file … -->` or `<!-- from … -->`.
 */
function programsOf(document, mark) {
  const pattern = new RegExp(`<!-- ${mark} (\\S+) -->\\n\`\`\`(?:ts|js|yaml)\\n([\\s\\S]*?)\`\`\``, 'g')
  return [...read(document).matchAll(pattern)].map(([, file, code]) => ({ document, file, code }))
}

/** The anchors that GitHub generates for the headings of a Markdown text. */
function anchorsOf(text) {
  const anchors = new Set()
  for (const [, heading] of withoutCode(text).matchAll(/^#+ (.*)$/gm)) {
    const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    const slug = words.trim().replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

function toPosix(file) {
  return file.split(path.sep).join('/')
}

function markdownFilesIn(folder) {
  const files = filesIn(folder, /\.md$/)
  const below = ['examples', 'npm'].includes(folder) ? subfoldersOf(folder) : []
  return [...files, ...below.flatMap((subfolder) => filesIn(subfolder, /\.md$/))]
}

function filesIn(folder, pattern) {
  if (!existsSync(path.join(ROOT, folder))) return []
  const names = readdirSync(path.join(ROOT, folder)).filter((name) => pattern.test(name))
  return names.sort().map((name) => path.posix.join(folder, name))
}

function subfoldersOf(folder) {
  const entries = readdirSync(path.join(ROOT, folder), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.posix.join(folder, name))
}
