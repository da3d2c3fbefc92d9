import { HttpAdapterHost } from '@nestjs/core'
import { moduleFor } from './nestjs-module.js'

export const ClustershazbotModule = moduleFor(HttpAdapterHost)
