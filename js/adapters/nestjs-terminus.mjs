import terminus from './nestjs-terminus.js'

export const { ClustershazbotHealthIndicator } = terminus
