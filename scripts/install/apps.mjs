/**
 * Applications of users: the programs of `__test__/apps/`, each in its own folder with its
 * dependencies.
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'

const require = createRequire(import.meta.url)
const { APPS: SOURCES, buildApp } = require('../../__test__/apps/support/build.js')

const express = {
  source: 'express',
  main: 'app.js',
  // Version 1's README requires this.
  options: { useUnknownInCatchVariables: false },
  exits: ({ code }) => code === 0,
}
const nest = {
  source: 'nest',
  main: 'main.js',
  // Nest ends its process with the received signal once its hooks are complete.
  exits: (end, signal) => end.signal === signal,
}

/**
 * `programs`: the module format by language; TypeScript programs are compiled in the application.
 */
export const APPS = {
  'Express 4': {
    ...express,
    workspace: 'express4',
    programs: { CommonJS: 'cjs', ESM: 'esm', TypeScript: 'cjs' },
  },
  'Express 5': {
    ...express,
    workspace: 'express5',
    programs: { CommonJS: 'cjs', ESM: 'esm', TypeScript: 'esm' },
  },
  'Nest 11': { ...nest, workspace: 'nest11', programs: { TypeScript: 'cjs' } },
  'Nest 12': { ...nest, workspace: 'nest12', programs: { TypeScript: 'esm' } },
}

/** Creates the folder, with a manifest that contains all dependencies except this package. */
export function layOutApp(app, folder) {
  const { name, dependencies, devDependencies } = readManifest(join(SOURCES, app.workspace))
  const { clustershazbot, ...others } = dependencies
  const types = { '@types/node': readManifest(ROOT).devDependencies['@types/node'] }
  layOut(folder, { name, dependencies: others, devDependencies: { ...devDependencies, ...types } })
}

export function layOutEmptyApp(folder) {
  layOut(folder, { name: 'app' })
}

function layOut(folder, manifest) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, version: '1.0.0', ...manifest }),
  )
}

/** Copies a program into an installed application; resolves with the path that Node.js runs. */
export async function layOutProgram(app, folder, language) {
  const format = app.programs[language]
  if (language === 'TypeScript') return join(await compile(app, folder, format), app.main)
  const target = join(folder, language)
  cpSync(await asJavaScript(app, format), target, {
    recursive: true,
    filter: (path) => !/\.ts$|tsconfig/.test(path),
  })
  return join(target, app.main)
}

const compiled = new Map()

/** The program for users without TypeScript, compiled once in the repository. */
function asJavaScript(app, format) {
  const key = `${app.source} ${format}`
  if (!compiled.has(key)) compiled.set(key, compile(app, join(SOURCES, app.workspace), format))
  return compiled.get(key)
}

function compile({ source, options }, workspace, format) {
  return buildApp({ source: join(SOURCES, source), workspace, format, options })
}

/** Copies the program's only source into an application, for a bundler; returns its name. */
export function layOutSource({ source }, folder) {
  const [file, ...others] = readdirSync(join(SOURCES, source)).filter((name) => name.endsWith('.ts'))
  if (others.length > 0) throw new Error(`${source} has several sources`)
  cpSync(join(SOURCES, source, file), join(folder, file))
  return file
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
