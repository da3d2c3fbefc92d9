'use strict'

const { isIP } = require('node:net')

/** The form in which a server for IPv4 and IPv6 sees IPv4 callers. */
const MAPPED = /^::ffff:(?=[\d.]+$)/i

const COLON = 0x3a
const PERCENT = 0x25

/**
 * Returns the address of the caller: that of the connection, or the one that the outermost trusted
 * proxy has seen. Undefined if there is none, as on a Unix socket.
 *
 * @param {import('node:http').IncomingMessage} request
 * @param {number} proxies trusted proxies in front of this server
 * @returns {string | undefined}
 */
function addressOf(request, proxies) {
  const forwarded = proxies > 0 ? forwardedAddress(request.headers['x-forwarded-for'], proxies) : undefined
  const address = forwarded ?? connectionAddress(request)
  return address?.replace(MAPPED, '')
}

/** An HTTP/2 request without its session throws. */
function connectionAddress(request) {
  try {
    return request.socket.remoteAddress
  } catch {
    return undefined
  }
}

/**
 * Each proxy appends the address that it sees, so entries are counted from the right; the caller
 * may have written those on the left. If there are fewer, the first one counts.
 */
function forwardedAddress(header, proxies) {
  let rest = String(header ?? '')
  let entry
  for (let count = 0; count < proxies && rest !== undefined; count++) {
    const comma = rest.lastIndexOf(',')
    entry = rest.slice(comma + 1)
    rest = comma < 0 ? undefined : rest.slice(0, comma)
  }
  return addressIn(entry.trim())
}

/** Some proxies append the port. Undefined if the entry is no address. */
function addressIn(entry) {
  if (isIP(entry)) return entry
  const [, bracketed, beforePort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? []
  const address = bracketed ?? beforePort
  return address !== undefined && isIP(address) ? address : undefined
}

/**
 * Returns a key for the network of an address: an IPv4 address itself; for the first 64 bits of an
 * IPv6 address, since one host may use all addresses below them, a character for each 16 bits.
 *
 * @param {string} address
 */
function networkOf(address) {
  if (!address.includes(':')) return address
  const [a, b, c, d, e, f, g, h] = groupsOf(address)
  const isMapped = f === 0xffff && (a | b | c | d | e) === 0
  return isMapped ? `${g >> 8}.${g & 255}.${h >> 8}.${h & 255}` : String.fromCharCode(a, b, c, d)
}

/** The eight groups of a valid IPv6 address. One loop, as each failed authorization costs one. */
function groupsOf(address) {
  const text = address.includes('.') ? withoutDots(address) : address
  const groups = [0, 0, 0, 0, 0, 0, 0, 0]
  let count = 0
  let gap = -1
  let value = 0
  let isOpen = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === PERCENT) break
    if (code === COLON) {
      if (isOpen) groups[count++] = value
      else if (index > 0) gap = count
      value = 0
      isOpen = false
    } else {
      value = value * 16 + hexValue(code)
      isOpen = true
    }
  }
  if (isOpen) groups[count++] = value
  // The groups after `::` belong at the end.
  for (let moved = 1; gap >= 0 && moved <= count - gap; moved++) {
    groups[8 - moved] = groups[count - moved]
    if (count < 8) groups[count - moved] = 0
  }
  return groups
}

/** The value of a hexadecimal digit. */
const hexValue = (code) => (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57)

/** Rewrites an IPv4 address at the end of an IPv6 address as two groups. */
function withoutDots(address) {
  const [a, b, c, d] = address
    .slice(address.lastIndexOf(':') + 1)
    .split('.')
    .map(Number)
  const groups = [a * 256 + b, c * 256 + d].map((group) => group.toString(16))
  return address.slice(0, address.lastIndexOf(':') + 1) + groups.join(':')
}

module.exports = { addressOf, networkOf }
