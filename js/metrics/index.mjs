import metrics from './index.js'

export const { shazbotMetrics } = metrics
