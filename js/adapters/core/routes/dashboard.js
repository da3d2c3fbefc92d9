'use strict'

/** @type {import('./index.js').Route[]} */
const ROUTES = []

module.exports = { ROUTES }
