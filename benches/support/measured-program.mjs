import { execFileSync } from 'node:child_process'
import { ROOT } from './root.mjs'

/**
 * Builds the program `benches/floor/measured.rs` and returns its path. Uses the profile of `npm
 * ci`, whose crates are already built.
 */
export function measuredProgram() {
  const what = ['--profile', 'clone', '--no-default-features', '--features', 'measured', '--bin', 'measured']
  const messages = cargo('build', ...what, '--message-format=json-render-diagnostics')
  const lines = messages.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line)).find(({ executable }) => executable).executable
}

/** Returns cargo's target folder. */
export function targetFolder() {
  return JSON.parse(cargo('metadata', '--no-deps', '--format-version=1')).target_directory
}

function cargo(...words) {
  const stdio = ['ignore', 'pipe', 'inherit']
  return execFileSync('cargo', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8, stdio })
}
