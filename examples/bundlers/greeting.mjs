/** A module that belongs into the bundle. */
export function greet() {
  return 'Hello from a bundle'
}
