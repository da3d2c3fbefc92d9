/**
 * Rust's standard library for a foreign target: from rustup, or built from source if rustup cannot
 * download it.
 */

import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cachedFolder, outputOf, run } from './build-cache.mjs'

const RUSTUP_TIMEOUT_MS = 300_000

/**
 * Returns the additional cargo arguments and environment for the target. SHAZBOT_RUST_LIBRARY names
 * the folder `library/` of Rust's sources, or an archive of it, of exactly this compiler's version.
 */
export function standardLibrary(target) {
  const sysroot = outputOf('rustc', ['--print', 'sysroot'])
  if (!sysroot) throw new Error('rustc was not found; install Rust from https://rustup.rs')
  if (isInstalled(sysroot, target)) return installed
  const installError = rustupError(target)
  if (!installError) return installed
  const source = process.env.SHAZBOT_RUST_LIBRARY
  if (!source)
    throw new Error(
      `no standard library for ${target}: ${installError}. Where rustup can't download it, ` +
        "SHAZBOT_RUST_LIBRARY may name the folder library/ of this compiler's sources, or an archive of it.",
    )
  console.log(`  rustup has none (${installError}): the standard library is built from source`)
  return fromSource(sysroot, resolve(source))
}

const installed = { args: [], env: {} }

function isInstalled(sysroot, target) {
  const folder = join(sysroot, 'lib/rustlib', target, 'lib')
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libstd-'))
}

/** Returns why rustup did not install the target's standard library; undefined on success. */
function rustupError(target) {
  try {
    const env = { ...process.env, RUST_BACKTRACE: '0' }
    run('rustup', ['target', 'add', target], { quiet: true, timeout: RUSTUP_TIMEOUT_MS, env })
    return undefined
  } catch (error) {
    return error.message.replaceAll(/\s+/g, ' ')
  }
}

/**
 * Adds the sources to a copy of the toolchain, because the toolchain itself belongs to the user.
 */
function fromSource(sysroot, source) {
  const version = outputOf('rustc', ['--version']).split(' ')[1]
  const copy = cachedFolder(`rust-${version}-with-sources`, (to) => {
    for (const part of ['bin', 'lib']) run('cp', ['-a', join(sysroot, part), to])
    const library = join(to, 'lib/rustlib/src/rust/library')
    mkdirSync(library, { recursive: true })
    if (statSync(source).isDirectory()) run('cp', ['-a', `${source}/.`, library])
    else run('tar', ['-xf', source, '-C', library, '--strip-components=1'])
  })
  return {
    args: ['-Z', 'build-std=std,panic_unwind'],
    env: { RUSTC: join(copy, 'bin/rustc'), CARGO: join(copy, 'bin/cargo'), RUSTC_BOOTSTRAP: '1' },
  }
}
