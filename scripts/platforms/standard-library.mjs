/** Rust's standard library for a foreign target: installed by rustup, or built from source where rustup can't download it. */

import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ask, filled, run } from './build-cache.mjs'

const RUSTUP_PATIENCE_MS = 300_000

/**
 * What a build for the target has to add to cargo's arguments and environment.
 * SHAZBOT_RUST_LIBRARY names the folder `library/` of Rust's sources, or an archive of it, of exactly this compiler's version.
 */
export function standardLibrary(target) {
  const sysroot = ask('rustc', ['--print', 'sysroot'])
  if (!sysroot) throw new Error('rustc was not found; install Rust from https://rustup.rs')
  if (isInstalled(sysroot, target)) return installed
  const refusal = refusalOfRustup(target)
  if (!refusal) return installed
  const source = process.env.SHAZBOT_RUST_LIBRARY
  if (!source)
    throw new Error(
      `no standard library for ${target}: ${refusal}. Where rustup can't download it, ` +
        "SHAZBOT_RUST_LIBRARY may name the folder library/ of this compiler's sources, or an archive of it.",
    )
  console.log(`  rustup has none (${refusal}): the standard library is built from source`)
  return fromSource(sysroot, resolve(source))
}

const installed = { args: [], env: {} }

function isInstalled(sysroot, target) {
  const folder = join(sysroot, 'lib/rustlib', target, 'lib')
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libstd-'))
}

/** Why rustup did not install the target's standard library; undefined when it did. */
function refusalOfRustup(target) {
  try {
    const env = { ...process.env, RUST_BACKTRACE: '0' }
    run('rustup', ['target', 'add', target], { quiet: true, timeout: RUSTUP_PATIENCE_MS, env })
    return undefined
  } catch (error) {
    return error.message.replaceAll(/\s+/g, ' ')
  }
}

/** A copy of the toolchain gets the sources, because the toolchain itself is the user's. */
function fromSource(sysroot, source) {
  const version = ask('rustc', ['--version']).split(' ')[1]
  const copy = filled(`rust-${version}-with-sources`, (to) => {
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
