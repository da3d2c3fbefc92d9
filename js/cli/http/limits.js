'use strict'

/** The longest list that is read, in bytes: one of 100,000 servers has about 10 MB. */
const MAX_LIST = 16 * 1024 * 1024

/** The longest status that is read, in bytes. Its servers take twice the space of a list. */
const MAX_STATUS = 2 * MAX_LIST

/** Redirects that a GET follows, as those of the engine do. */
const MAX_REDIRECTS = 3

/** Servers that are asked at once, so that no router or proxy takes the command for a scan. */
const ASKED_AT_ONCE = 16

/** The most servers that one command asks. */
const MAX_ASKED = 10_000

module.exports = { ASKED_AT_ONCE, MAX_ASKED, MAX_LIST, MAX_REDIRECTS, MAX_STATUS }
