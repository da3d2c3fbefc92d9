import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/** A plugin with the routes: `fastify.register(shazbotPlugin)`. */
export const shazbotPlugin: FastifyPluginCallback<ShazbotRoutesOptions<FastifyRequest>>
