import 'reflect-metadata'
import {
  Body,
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Headers,
  HttpCode,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  Post,
  RequestMethod,
  SetMetadata,
} from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR, NestFactory, Reflector } from '@nestjs/core'
import {
  type ControlMessage,
  type GossipMessage,
  shazbotControlRequest,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'
import { map } from 'rxjs'

const FOR_PEERS = 'for peers'

/** Peers have no login; the functions check the secret themselves. */
@SetMetadata(FOR_PEERS, true)
@Controller('clustershazbot')
class ClustershazbotController {
  @Post('gossip')
  @HttpCode(200)
  gossip(@Body() body: GossipMessage, @Headers('authorization') authorization = '') {
    return shazbotGossipRequest(authorization, body)
  }

  @Get('list')
  list(@Headers('authorization') authorization = '') {
    return shazbotListRequest(authorization)
  }

  @Post('control')
  @HttpCode(200)
  async control(@Body() body: ControlMessage, @Headers('authorization') authorization = '') {
    await shazbotControlRequest(authorization, body)
    return { success: true }
  }
}

@Injectable()
class LogInGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext) {
    if (this.reflector.getAllAndOverride(FOR_PEERS, [context.getHandler(), context.getClass()])) return true
    return context.switchToHttp().getRequest().headers.authorization === 'Bearer a-visitor'
  }
}

@Injectable()
class WrappingInterceptor implements NestInterceptor {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler) {
    // Peers understand only what the functions return, without a wrapper.
    if (this.reflector.getAllAndOverride(FOR_PEERS, [context.getHandler(), context.getClass()]))
      return next.handle()
    return next.handle().pipe(map((data) => ({ data })))
  }
}

@Controller()
class HelloController {
  @Get()
  hello() {
    return 'Hello'
  }
}

@Module({
  controllers: [ClustershazbotController, HelloController],
  providers: [
    { provide: APP_GUARD, useClass: LogInGuard },
    { provide: APP_INTERCEPTOR, useClass: WrappingInterceptor },
  ],
})
class AppModule {
  async onModuleInit() {
    await shazbotStart()
  }

  async onModuleDestroy() {
    await shazbotShutDown()
  }
}

const app = await NestFactory.create(AppModule)
app.setGlobalPrefix('api', {
  exclude: [{ path: 'clustershazbot/*path', method: RequestMethod.ALL }],
})
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
