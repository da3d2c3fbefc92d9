import adapter from './express.js'

export const { shazbotMiddleware } = adapter
