/**
 * Prints the section of CHANGELOG.md about a release: `node scripts/release/release-notes.mjs
 * v2.0.0`. Rejects a tag that differs from the version of anything published with it, because a
 * version cannot be published twice.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'

const [tag = ''] = process.argv.slice(2)
const version = tag.replace(/^v/, '')
const notes = notesOf(version)
const faults = []
if (!/^v\d+\.\d+\.\d+(-[\w.]+)?$/.test(tag)) faults.push(`${tag || 'no tag'}: a tag must be v and a version`)
for (const [place, found] of Object.entries(versions()))
  if (found !== version) faults.push(`${place} has version ${found}`)
if (!notes) faults.push(`CHANGELOG.md has no entry ${version}`)
if (faults.length > 0) {
  console.error(`release ${tag}: ${faults.join('; ')}`)
  process.exit(1)
}
console.log(notes)

/** Returns the text below the heading of that version. */
function notesOf(wanted) {
  for (const entry of read('CHANGELOG.md').split(/^## /m).slice(1)) {
    const [heading, ...lines] = entry.split('\n')
    if (heading.split(/[\s\][]+/).includes(wanted)) return lines.join('\n').trim()
  }
  return undefined
}

/** Returns all files that contain the version. */
function versions() {
  const found = {
    'package.json': JSON.parse(read('package.json')).version,
    'Cargo.toml': /^version = "(.+)"$/m.exec(read('Cargo.toml'))?.[1],
    'binding.js': /expected (\S+) but got/.exec(read('binding.js'))?.[1],
  }
  for (const platform of readdirSync(join(ROOT, 'npm'))) {
    const place = `npm/${platform}/package.json`
    found[place] = JSON.parse(read(place)).version
  }
  return found
}

function read(path) {
  return readFileSync(join(ROOT, path), 'utf8')
}
