/**
 * Prints what takes space in an addon, as a table: `node scripts/platforms/addon-bytes.mjs
 * [library]`. Without a library, builds one like a release, but with symbols. Needs `nm` and `size`
 * of binutils, so it runs on Linux.
 */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RELEASE } from './build.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BUILD_FOLDER = join(ROOT, 'target', 'bytes')

/** The name of each group and the crates whose symbols belong to it; the first match counts. */
const GROUPS = [
  ['this package: protocol, driver, binding', /^clustershazbot$|^napi_register/],
  ['TLS: rustls, ring, certificates', /rustls|^ring|webpki|x509|asn1|der_parser|untrusted|^ecp_|^fe_|^gfp/],
  ['HTTP: reqwest, hyper, proxies, data URLs', /reqwest|hyper|^http|httparse|data_url|tower/],
  ['decompression: brotli (with a dictionary of 122 kB), gzip', /brotli|flate2|miniz|crc32/],
  ['tokio and napi', /tokio|napi|mio/],
  ['URLs: url, idna and its tables', /^url$|idna|icu_|form_urlencoded/],
  ['JSON and numbers', /serde|zmij|itoa/],
  ['backtraces of the standard library', /gimli|addr2line|rustc_demangle|backtrace/],
  ['the standard library, with its generic code', /^(std|core|alloc|hashbrown|str|other)$/],
]
const REST = 'everything else'

const library = process.argv[2] ?? build()
const sizes = new Map([...GROUPS.map(([name]) => [name, 0]), [REST, 0]])
for (const { crate, size } of symbols(library)) {
  const [group] = GROUPS.find(([, crates]) => crates.test(crate)) ?? [REST]
  sizes.set(group, sizes.get(group) + size)
}
for (const [section, name] of [
  ['.eh_frame', 'unwinding tables, without which a panic would end the process'],
  ['.gcc_except_table', 'unwinding tables, without which a panic would end the process'],
  ['.rela.dyn', 'relocations'],
])
  sizes.set(name, (sizes.get(name) ?? 0) + sectionSize(library, section))

console.log('| part | kB |\n|---|--:|')
for (const [name, size] of [...sizes].sort(([, one], [, other]) => other - one))
  console.log(`| ${name} | ${Math.round(size / 1_000).toLocaleString('en')} |`)

function build() {
  const env = {
    ...process.env,
    CARGO_TARGET_DIR: BUILD_FOLDER,
    CARGO_PROFILE_RELEASE_STRIP: 'false',
  }
  execFileSync('cargo', RELEASE, { cwd: ROOT, env, stdio: 'inherit' })
  return join(BUILD_FOLDER, 'release', 'libclustershazbot.so')
}

function* symbols(file) {
  const lines = output('nm', ['--demangle', '--size-sort', '--print-size', '--radix=d', file]).split('\n')
  for (const line of lines) {
    const [, size, kind, name] = /^\d+ (\d+) (\S) (.+)$/.exec(line) ?? []
    // Zero-initialised data takes no space in the file.
    if (name === undefined || /b/i.test(kind)) continue
    yield { crate: /^[<&*]*(?:mut |dyn )?([a-z_][a-z_0-9]*)/.exec(name)?.[1] ?? 'other', size: Number(size) }
  }
}

function sectionSize(file, section) {
  const line = output('size', ['--format=sysv', file])
    .split('\n')
    .find((it) => it.startsWith(`${section} `))
  return Number(line?.split(/\s+/)[1] ?? 0)
}

function output(command, args) {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1e8 })
}
