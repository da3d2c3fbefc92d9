/** Reads what a Windows library (64 bits) requires of its system. */

const MACHINES = { 34404: 'x64', 43620: 'arm64' }
const IS_DLL = 0x2000
const MAGIC_64_BITS = 0x20b
const IMPORT_SIZE = 20

export function readPe(bytes) {
  if (bytes.toString('latin1', 0, 2) !== 'MZ') return undefined
  const header = bytes.readUInt32LE(0x3c)
  if (bytes.toString('latin1', header, header + 4) !== 'PE\0\0') return undefined
  const optional = header + 24
  if (bytes.readUInt16LE(optional) !== MAGIC_64_BITS) return undefined
  const machine = bytes.readUInt16LE(header + 4)
  return {
    machine: MACHINES[machine] ?? `machine ${machine}`,
    isSharedLibrary: (bytes.readUInt16LE(header + 22) & IS_DLL) !== 0,
    needed: readImports(bytes, header, optional),
  }
}

function readImports(bytes, header, optional) {
  const sections = readSections(bytes, header)
  const imports = bytes.readUInt32LE(optional + 120)
  const names = []
  if (imports === 0) return names
  for (let at = fileOffset(imports, sections); ; at += IMPORT_SIZE) {
    const name = bytes.readUInt32LE(at + 12)
    if (name === 0) return names
    const start = fileOffset(name, sections)
    names.push(bytes.toString('latin1', start, bytes.indexOf(0, start)).toLowerCase())
  }
}

function readSections(bytes, header) {
  const table = header + 24 + bytes.readUInt16LE(header + 20)
  return Array.from({ length: bytes.readUInt16LE(header + 6) }, (_, index) => {
    const at = table + index * 40
    return {
      address: bytes.readUInt32LE(at + 12),
      size: Math.max(bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 16)),
      offset: bytes.readUInt32LE(at + 20),
    }
  })
}

function fileOffset(address, sections) {
  const section = sections.find((it) => address >= it.address && address < it.address + it.size)
  return address - section.address + section.offset
}
