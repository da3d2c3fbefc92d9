/**
 * Builds the addon for this machine as for a release, with the system's own tools, and puts it
 * where the loader of a clone looks. For platforms without a package too.
 */

import { join } from 'node:path'
import { parseTriple } from '@napi-rs/cli'
import { buildForHost } from './build.mjs'
import { outputOf, ROOT, replaceFile } from './build-cache.mjs'
import { artifactOf } from './platforms.mjs'

const host = /^host: (.+)$/m.exec(outputOf('rustc', ['-vV']) ?? '')?.[1]
if (!host) throw new Error('rustc was not found: install Rust from https://rustup.rs')
const addon = join(ROOT, artifactOf(parseTriple(host).platformArchABI))
replaceFile(addon, buildForHost(host))
console.log(addon)
