/** Checks an artifact without running it. */

import { readFileSync } from 'node:fs'
import { readElf } from './elf.mjs'
import { readMachO } from './mach-o.mjs'
import { readPe } from './pe.mjs'
import { ENTRY_POINT, PLATFORMS } from './platforms.mjs'

/** The maximum size of an addon in bytes; docs/platforms.md says what takes the space. */
const MAX_BYTES = 4_900_000
const READERS = { elf: readElf, pe: readPe, macho: readMachO }

/** Returns the artifact's defects, if any, and a line that describes it. */
export function inspectArtifact(platform, path) {
  const { format, machine, libraries, newestGlibc } = PLATFORMS[platform]
  const bytes = readFileSync(path)
  const faults = []
  const found = READERS[format](bytes)
  if (!found) return { faults: [`it is not a valid ${format} file`], summary: '' }
  const { machine: foundMachine, isSharedLibrary, needed, glibcVersions = [] } = found
  if (foundMachine !== machine) faults.push(`it is for ${foundMachine}, not ${machine}`)
  if (!isSharedLibrary) faults.push('it is not a shared library')
  if (!bytes.includes(ENTRY_POINT)) faults.push(`it has no ${ENTRY_POINT}`)
  if (bytes.length > MAX_BYTES) faults.push(`${megabytes(bytes.length)} are too many`)
  const foreign = needed.filter((name) => !libraries.some((known) => isSame(known, name)))
  if (foreign.length > 0) faults.push(`it needs ${foreign.join(', ')}`)
  const newest = glibcVersions.sort(compareVersions).at(-1)
  if (newest && !newestGlibc) faults.push(`it needs symbols of GLIBC_${newest}`)
  if (newest && newestGlibc && compareVersions(newest, newestGlibc) > 0) {
    faults.push(`it needs symbols of GLIBC_${newest}, newer than GLIBC_${newestGlibc}`)
  }
  const libc = newest ? `, symbols up to GLIBC_${newest}` : ''
  return {
    faults,
    summary: `${format} ${machine}, ${megabytes(bytes.length)}${libc}, needs ${needed.join(' ')}`,
  }
}

function isSame(known, name) {
  return known instanceof RegExp
    ? known.test(known.source.startsWith('^\\/') ? name : name.toLowerCase())
    : known === name
}

function megabytes(size) {
  return `${(size / 1_000_000).toFixed(2)} MB`
}

function compareVersions(one, other) {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number))
  return a[0] - b[0] || a[1] - b[1] || (a[2] ?? 0) - (b[2] ?? 0)
}
