/** Reads what a Linux shared library (64 bits, little-endian) requires of its system. */

const MACHINES = { 62: 'x64', 183: 'arm64' }
const TYPE_SHARED = 3
const SECTION_DYNAMIC = 6
const SECTION_VERSIONS_NEEDED = 0x6ffffffe
const TAG_NEEDED = 1

export function readElf(bytes) {
  if (bytes.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined
  const sections = readSections(bytes)
  return {
    machine: MACHINES[bytes.readUInt16LE(18)] ?? `machine ${bytes.readUInt16LE(18)}`,
    isSharedLibrary: bytes.readUInt16LE(16) === TYPE_SHARED,
    needed: sections
      .filter(({ type }) => type === SECTION_DYNAMIC)
      .flatMap((it) => readNeeded(bytes, it, sections)),
    glibcVersions: sections
      .filter(({ type }) => type === SECTION_VERSIONS_NEEDED)
      .flatMap((it) => readVersions(bytes, it, sections))
      .filter((name) => name.startsWith('GLIBC_'))
      .map((name) => name.slice('GLIBC_'.length)),
  }
}

function readSections(bytes) {
  const table = Number(bytes.readBigUInt64LE(40))
  const size = bytes.readUInt16LE(58)
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = table + index * size
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    }
  })
}

function readNeeded(bytes, { offset, size, link }, sections) {
  const names = []
  for (let at = offset; at < offset + size; at += 16) {
    if (Number(bytes.readBigInt64LE(at)) !== TAG_NEEDED) continue
    names.push(readText(bytes, sections[link].offset + Number(bytes.readBigUInt64LE(at + 8))))
  }
  return names
}

/** A chain of libraries, each with a chain of its required versions. */
function readVersions(bytes, { offset, link, info }, sections) {
  const names = []
  let library = offset
  for (let index = 0; index < info; index++) {
    let version = library + bytes.readUInt32LE(library + 8)
    for (let count = bytes.readUInt16LE(library + 2); count > 0; count--) {
      names.push(readText(bytes, sections[link].offset + bytes.readUInt32LE(version + 8)))
      version += bytes.readUInt32LE(version + 12)
    }
    library += bytes.readUInt32LE(library + 12)
  }
  return names
}

function readText(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}
