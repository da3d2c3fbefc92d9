/** Reads what a macOS library (64 bits, one architecture) requires of its system. */

const MAGIC_64_BITS = 0xfeedfacf
const MACHINES = { 16777223: 'x64', 16777228: 'arm64' }
const SHARED_TYPES = [6, 8]
const HEADER_SIZE = 32
/** Load commands: a library, an optional library, a re-exported library. */
const LOADS_LIBRARY = [0x0c, 0x80000018, 0x8000001f]

export function readMachO(bytes) {
  if (bytes.readUInt32LE(0) !== MAGIC_64_BITS) return undefined
  const machine = bytes.readUInt32LE(4)
  return {
    machine: MACHINES[machine] ?? `machine ${machine}`,
    isSharedLibrary: SHARED_TYPES.includes(bytes.readUInt32LE(12)),
    needed: readLibraries(bytes),
  }
}

function readLibraries(bytes) {
  const names = []
  let at = HEADER_SIZE
  for (let count = bytes.readUInt32LE(16); count > 0; count--) {
    if (LOADS_LIBRARY.includes(bytes.readUInt32LE(at))) {
      const name = at + bytes.readUInt32LE(at + 8)
      names.push(bytes.toString('latin1', name, bytes.indexOf(0, name)))
    }
    at += bytes.readUInt32LE(at + 4)
  }
  return names
}
