// A controller and a service as users of version 1 wrote them. They must keep running without a
// change.
import { Body, Controller, Get, Headers, Injectable, Post } from '@nestjs/common'
import {
  type ControlMessage,
  type GossipMessage,
  shazbotControlRequest,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'

@Controller('clustershazbot')
export class ClustershazbotController {
  @Post('gossip')
  async gossip(@Headers('authorization') auth: string, @Body() body: GossipMessage) {
    return await shazbotGossipRequest(auth || '', body)
  }

  @Get('list')
  async list(@Headers('authorization') auth: string) {
    return await shazbotListRequest(auth || '')
  }

  @Post('control')
  async control(@Headers('authorization') auth: string, @Body() body: ControlMessage) {
    await shazbotControlRequest(auth || '', body)
    return { success: true }
  }
}

@Injectable()
export class ClustershazbotService {
  async onModuleInit() {
    await shazbotStart()
  }

  async onModuleDestroy() {
    await shazbotShutDown()
  }
}
