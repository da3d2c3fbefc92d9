'use strict'

const { execFile } = require('node:child_process')
const { rmSync } = require('node:fs')
const { copyFile, mkdir, readdir, writeFile } = require('node:fs/promises')
const path = require('node:path')
const { promisify } = require('node:util')

const APPS = path.join(__dirname, '..')
const TSC = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')

/** The number of folders that this process has created, which keeps their names unique. */
let built = 0

const COMPILER_OPTIONS = {
  strict: true,
  target: 'es2022',
  module: 'nodenext',
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
}

/**
 * Compiles the programs of `source` for a workspace, with its framework version, as one module
 * format. Returns the folder. The sources are copied into the workspace, where the framework's
 * types and code are found.
 */
async function buildApp({ source, workspace, format, options = {} }) {
  const folder = path.join(workspace, 'dist', `${format}-${process.pid}-${++built}`)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await mkdir(folder, { recursive: true })
  for (const file of await readdir(source)) {
    if (file.endsWith('.ts')) await copyFile(path.join(source, file), path.join(folder, file))
  }
  await writeJson(path.join(folder, 'package.json'), { type: format === 'esm' ? 'module' : 'commonjs' })
  await writeJson(path.join(folder, 'tsconfig.json'), {
    compilerOptions: { ...COMPILER_OPTIONS, ...options },
  })
  await tsc('--project', folder)
  return folder
}

/** Runs the TypeScript compiler; rejects with its errors. */
async function tsc(...args) {
  try {
    await promisify(execFile)(process.execPath, [TSC, ...args])
  } catch (error) {
    throw new Error(`tsc ${args.join(' ')}\n${error.stdout}${error.stderr}`)
  }
}

function writeJson(file, value) {
  return writeFile(file, JSON.stringify(value))
}

module.exports = { APPS, buildApp, tsc }
