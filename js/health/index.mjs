import health from './index.js'

export const { shazbotReady, shazbotDrain, shazbotResume } = health
