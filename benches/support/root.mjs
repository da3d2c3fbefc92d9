import { fileURLToPath } from 'node:url'

/** The root folder of the package. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
