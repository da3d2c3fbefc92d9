import adapter from './node.js'

export const { shazbotHandler } = adapter
