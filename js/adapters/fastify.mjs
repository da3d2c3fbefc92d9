import adapter from './fastify.js'

export const { shazbotPlugin } = adapter
