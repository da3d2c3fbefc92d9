import { mkdirSync, writeFileSync } from 'node:fs'
import ncc from '@vercel/ncc'

const { code } = await ncc(`${process.cwd()}/server.mjs`, {
  cache: false,
  externals: { '/^(clustershazbot(?:\\/.+)?)$/': '$1' },
})
mkdirSync('dist', { recursive: true })
writeFileSync('dist/server.mjs', code)
