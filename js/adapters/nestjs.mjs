import { HttpAdapterHost } from '@nestjs/core'
import { moduleFor } from './nestjs-module.js'
import service from './nestjs-service.js'

export const ClustershazbotModule = moduleFor(HttpAdapterHost)
export const { ClustershazbotService } = service
