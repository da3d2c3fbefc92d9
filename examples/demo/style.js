/** Returns colours for a terminal, or none for other streams. */
export function styleFor(stream) {
  const colourful = stream.isTTY && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb'
  const paint = (code) => (text) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : String(text))
  return {
    bold: paint(1),
    dim: paint(2),
    red: paint(31),
    green: paint(32),
    yellow: paint(33),
    cyan: paint(36),
  }
}
