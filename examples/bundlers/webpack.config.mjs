export default {
  mode: 'production',
  target: 'node',
  entry: './server.mjs',
  output: { filename: 'server.cjs' },
  externalsType: 'commonjs',
  externals: [/^clustershazbot(\/|$)/],
}
