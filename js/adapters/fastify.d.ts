import type { FastifyPluginCallback } from 'fastify'
import type { ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/** A plugin with the three routes: `fastify.register(shazbotPlugin)`. */
export const shazbotPlugin: FastifyPluginCallback<ShazbotRoutesOptions>
