import { crc32, deflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const COLOURS = 256
const [BIT_DEPTH, INDEXED] = [8, 3]

/**
 * Returns a PNG with a palette, which takes a third of the bytes of a screenshot. The page has few
 * colours; rarer ones become their nearest neighbours.
 *
 * @param {import('puppeteer-core').Page} page any page, which decodes the picture
 * @param {Uint8Array} png
 */
export async function indexedPng(page, png) {
  const { width, height, palette, indices } = await page.evaluate(
    readIndexed,
    Buffer.from(png).toString('base64'),
    COLOURS,
  )
  const pixels = Buffer.from(indices, 'base64')
  // Each line begins with the number of its filter: none.
  const lines = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y++) pixels.copy(lines, y * (width + 1) + 1, y * width, (y + 1) * width)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([BIT_DEPTH, INDEXED], 8)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** Runs in the page: returns the colours of a picture, and the index of each pixel's colour. */
async function readIndexed(base64, most) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const bitmap = await createImageBitmap(new Blob([bytes]))
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d')
  context.drawImage(bitmap, 0, 0)
  const colours = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)
  const counts = new Map()
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const byCount = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one))
  const partsOf = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255]
  const palette = byCount.slice(0, most).map(partsOf)
  const distance = (parts, index) =>
    parts.reduce((sum, part, place) => sum + (part - palette[index][place]) ** 2, 0)
  const nearest = (parts) =>
    palette.reduce((best, _, index) => (distance(parts, index) < distance(parts, best) ? index : best), 0)
  const indexOf = new Map(
    byCount.map((colour, index) => [colour, index < most ? index : nearest(partsOf(colour))]),
  )
  const indices = Array.from(colours, (colour) => String.fromCharCode(indexOf.get(colour)))
  return { width, height, palette, indices: btoa(indices.join('')) }
}
