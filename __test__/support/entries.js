'use strict'

/** An entry of a server list, with the keys in the wire's order. */
const entry = (baseUrl, lastUpdate = Date.now()) => ({ baseUrl, monitor: false, lastUpdate })

const monitorEntry = (baseUrl, lastUpdate = Date.now()) => ({ baseUrl, monitor: true, lastUpdate })

/** Older than the grace for servers that do not listen yet (30 s). */
const aWhileAgo = () => Date.now() - 60_000

const inAnHour = () => Date.now() + 3_600_000

const find = (servers = [], baseUrl) => servers.find((server) => server.baseUrl === baseUrl)

const urlsOf = (servers = []) => servers.map((server) => server.baseUrl).sort()

const isOnline = (list, baseUrl) => find(list.online, baseUrl) !== undefined

const isOffline = (list, baseUrl) => find(list.offline, baseUrl) !== undefined

module.exports = { entry, monitorEntry, aWhileAgo, inAnHour, find, urlsOf, isOnline, isOffline }
