import commonjs from '@rollup/plugin-commonjs'
import nodeResolve from '@rollup/plugin-node-resolve'

export default {
  input: 'server.mjs',
  output: { file: 'dist/server.cjs', format: 'cjs' },
  plugins: [nodeResolve({ preferBuiltins: true }), commonjs()],
  external: [/^node:/, /^clustershazbot(\/|$)/],
}
