import events from './index.js'

export const { shazbotEvents, shazbotWatch, shazbotStatus, shazbotSettled } = events
