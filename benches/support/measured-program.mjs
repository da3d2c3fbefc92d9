import { execFileSync } from 'node:child_process'
import { ROOT } from './root.mjs'

/**
 * Builds the program `benches/floor/measured.rs`, and finds it. With the profile of the addon of a clone, whose crates are
 * there already.
 */
export function measuredProgram() {
  const what = ['--profile', 'clone', '--no-default-features', '--features', 'measured', '--bin', 'measured']
  const messages = cargo('build', ...what, '--message-format=json-render-diagnostics')
  const lines = messages.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line)).find(({ executable }) => executable).executable
}

/** Where cargo puts what it builds. */
export function targetFolder() {
  return JSON.parse(cargo('metadata', '--no-deps', '--format-version=1')).target_directory
}

function cargo(...words) {
  const stdio = ['ignore', 'pipe', 'inherit']
  return execFileSync('cargo', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1e8, stdio })
}
