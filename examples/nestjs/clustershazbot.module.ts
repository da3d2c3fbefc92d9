import {
  Body,
  Controller,
  Get,
  Headers,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
  Post,
} from '@nestjs/common'
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
class ClustershazbotController {
  @Post('gossip')
  gossip(@Body() body: GossipMessage, @Headers('authorization') authorization = '') {
    return shazbotGossipRequest(authorization, body)
  }

  @Get('list')
  list(@Headers('authorization') authorization = '') {
    return shazbotListRequest(authorization)
  }

  @Post('control')
  async control(@Body() body: ControlMessage, @Headers('authorization') authorization = '') {
    await shazbotControlRequest(authorization, body)
    return { success: true }
  }
}

@Injectable()
class ClustershazbotService implements OnModuleInit, OnModuleDestroy {
  async onModuleInit() {
    await shazbotStart()
  }

  async onModuleDestroy() {
    await shazbotShutDown()
  }
}

@Module({ controllers: [ClustershazbotController], providers: [ClustershazbotService] })
export class ClustershazbotModule {}
