'use strict'

const assert = require('node:assert/strict')
const { existsSync, readdirSync, readFileSync } = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const ROOT = path.join(__dirname, '..')
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'RELEASING.md',
  'CHANGELOG.md',
  'docs/protocol.md',
  'docs/architecture.md',
  'docs/platforms.md',
  'docs/recipes.md',
  'docs/bundlers.md',
]

const read = (file) => readFileSync(path.join(ROOT, file), 'utf8')

test('the programs of the README are the examples', () => {
  const blocks = [...read('README.md').matchAll(/<!-- the file (\S+) -->\n```ts\n([\s\S]*?)```/g)]
  assert.deepEqual(
    blocks.map(([, file]) => file),
    ['examples/express/server.ts', 'examples/nestjs/clustershazbot.module.ts', 'examples/nestjs/main.ts'],
  )
  for (const [, file, code] of blocks) assert.equal(code, read(file), `README.md shows another ${file}`)
})

test('what the README shows of an adapter is part of its example', () => {
  const blocks = [...read('README.md').matchAll(/<!-- from (\S+) -->\n```ts\n([\s\S]*?)```/g)]
  const names = ['express', 'fastify', 'nestjs', 'node']
  assert.deepEqual(
    blocks.map(([, file]) => file),
    names.map((name) => `examples/adapters/${name}.ts`),
  )
  for (const [, file, code] of blocks) assert.ok(read(file).includes(code), `README.md shows another ${file}`)
})

test('what the recipes show is part of their programs', () => {
  const blocks = [...read('docs/recipes.md').matchAll(/<!-- from (\S+) -->\n```(?:ts|js)\n([\s\S]*?)```/g)]
  const shown = new Set(blocks.map(([, file]) => path.basename(file)))
  const programs = readdirSync(path.join(ROOT, 'examples/recipes')).filter((file) => /\.(ts|cjs)$/.test(file))
  assert.deepEqual(
    programs.filter((file) => !shown.has(file)),
    ['node-http.ts'],
  )
  for (const [, file, code] of blocks)
    assert.ok(read(file).includes(code), `docs/recipes.md shows another ${file}`)
})

test('the configurations of bundlers are the examples', () => {
  const blocks = [...read('docs/bundlers.md').matchAll(/<!-- the file (\S+) -->\n```js\n([\s\S]*?)```/g)]
  assert.equal(blocks.length, 4)
  for (const [, file, code] of blocks)
    assert.equal(code, read(file), `docs/bundlers.md shows another ${file}`)
})

test('the README has all functions, and a row for each variable', () => {
  const readme = read('README.md')
  const types = read('index.d.ts')
  for (const [, name] of types.matchAll(/^export function (\w+)/gm))
    assert.ok(readme.includes(`\`${name}(`), name)
  for (const [, name] of types.matchAll(/^ {2}(SHAZBOT_\w+):/gm))
    assert.ok(readme.includes(`| \`${name}\` |`), name)
})

for (const document of DOCUMENTS) {
  test(`what ${document} points to is there`, () => {
    const text = read(document)
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g), ...text.matchAll(/src="([^"]+)"/g)]
    for (const [, target] of links) {
      if (/^https?:/.test(target)) continue
      assert.ok(existsSync(path.join(ROOT, path.dirname(document), target)), `${document}: ${target}`)
    }
    for (const [, script] of text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)) {
      const workspaces = ['.', 'examples/adapters', 'examples/demo', 'examples/express', 'examples/nestjs']
      const isKnown = workspaces.some(
        (folder) => script in require(path.join(ROOT, folder, 'package.json')).scripts,
      )
      assert.ok(isKnown, `${document}: npm run ${script}`)
    }
  })
}
