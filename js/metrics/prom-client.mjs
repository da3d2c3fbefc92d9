import promClient from './prom-client.js'

export const { shazbotPromClient } = promClient
