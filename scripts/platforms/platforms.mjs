/**
 * The prebuilt binaries, and how one Linux machine builds them. Those without `build` need a
 * machine of their own system.
 */

const system = {
  gnu: [
    'libc.so.6',
    'libm.so.6',
    'libdl.so.2',
    'libpthread.so.0',
    'librt.so.1',
    'libgcc_s.so.1',
    /^ld-linux-/,
  ],
  musl: ['libc.so', /^libc\.musl-\w+\.so\.1$/, 'libgcc_s.so.1'],
  // Without Microsoft's C runtime for compilers, which not every Windows has, so it must be linked
  // statically.
  windows: [
    /^api-ms-win-/,
    /^(advapi32|bcrypt|bcryptprimitives|crypt32|kernel32|msvcrt|ncrypt|ntdll|secur32|ucrtbase|userenv|ws2_32)\.dll$/,
  ],
  darwin: [/^\/usr\/lib\/lib(System|iconv|resolv|objc)\b/, /^\/System\/Library\/Frameworks\//],
}

/** Older than the C library that Node.js 20 requires, for builds of Node.js for old systems. */
const GLIBC = '2.17'

/** The symbol that Node.js looks up in an addon. */
export const ENTRY_POINT = 'napi_register_module_v1'

export const PLATFORMS = {
  'linux-x64-gnu': {
    format: 'elf',
    machine: 'x64',
    libraries: system.gnu,
    newestGlibc: GLIBC,
    build: { target: 'x86_64-unknown-linux-gnu', linkedAs: `x86_64-unknown-linux-gnu.${GLIBC}` },
  },
  'linux-x64-musl': {
    format: 'elf',
    machine: 'x64',
    libraries: system.musl,
    build: { target: 'x86_64-unknown-linux-musl' },
  },
  'linux-arm64-gnu': {
    format: 'elf',
    machine: 'arm64',
    libraries: system.gnu,
    newestGlibc: GLIBC,
    build: { target: 'aarch64-unknown-linux-gnu', linkedAs: `aarch64-unknown-linux-gnu.${GLIBC}` },
  },
  'linux-arm64-musl': {
    format: 'elf',
    machine: 'arm64',
    libraries: system.musl,
    build: { target: 'aarch64-unknown-linux-musl' },
  },
  // LLVM's Windows target needs no Microsoft files, and Node.js loads its output like any other
  // addon.
  'win32-x64-msvc': {
    format: 'pe',
    machine: 'x64',
    libraries: system.windows,
    build: { target: 'x86_64-pc-windows-gnullvm' },
  },
  'win32-arm64-msvc': { format: 'pe', machine: 'arm64', libraries: system.windows },
  'darwin-x64': { format: 'macho', machine: 'x64', libraries: system.darwin },
  'darwin-arm64': { format: 'macho', machine: 'arm64', libraries: system.darwin },
}

export const BUILT_HERE = Object.keys(PLATFORMS).filter((name) =>
  process.platform === 'linux' ? PLATFORMS[name].build : name.startsWith(`${process.platform}-`),
)

export function artifactOf(platform) {
  return `clustershazbot.${platform}.node`
}

/** Returns the name of the platform with this Rust target in package.json. */
export function platformOfTarget(target) {
  const [cpu, , system, library] = target.split('-')
  const machine = { x86_64: 'x64', aarch64: 'arm64' }[cpu]
  if (system === 'windows') return `win32-${machine}-${library}`
  return system === 'darwin' ? `darwin-${machine}` : `linux-${machine}-${library}`
}

/** Returns the platforms on the command line, or all of `all`; exits if one is unknown. */
export function chosenPlatforms(names, all) {
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length === 0) return names.length > 0 ? names : all
  console.error(`Not among the platforms: ${unknown.join(', ')}. There are: ${all.join(', ')}.`)
  return process.exit(2)
}
