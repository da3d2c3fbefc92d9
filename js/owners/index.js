'use strict'

const { shazbotOwner, shazbotOwners, shazbotOwns } = require('./owners.js')
const { shazbotRunOnce } = require('./run-once.js')

module.exports = { shazbotOwner, shazbotOwners, shazbotOwns, shazbotRunOnce }
