import { setTimeout as pause } from 'node:timers/promises'
import { Controller, Get, Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus'
import { ClustershazbotModule, ClustershazbotService } from 'clustershazbot/nestjs'
import { ClustershazbotHealthIndicator } from 'clustershazbot/nestjs-terminus'

/** The time in which load balancers notice that this server is not ready. */
const DRAIN_MS = Number(process.env.DRAIN_MS ?? 10_000)

@Injectable()
class Settings {
  readonly proxies = Number(process.env.PROXIES ?? 0)
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

const cluster = ClustershazbotModule.forRootAsync({
  imports: [SettingsModule],
  inject: [Settings],
  useFactory: (settings: Settings) => ({ trustProxy: settings.proxies, health: true }),
})

@Controller()
class AppController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(ClustershazbotHealthIndicator) private readonly cluster: ClustershazbotHealthIndicator,
  ) {}

  @Get()
  hello() {
    return 'Hello'
  }

  @Get('healthz/ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.cluster.isHealthy()])
  }
}

@Module({
  imports: [cluster, TerminusModule],
  controllers: [AppController],
  providers: [ClustershazbotHealthIndicator],
})
class AppModule implements OnModuleDestroy {
  constructor(@Inject(ClustershazbotService) private readonly cluster: ClustershazbotService) {}

  /** Nest.js ends the root module first: before the engine shuts down and the server closes. */
  async onModuleDestroy() {
    this.cluster.drain()
    await pause(DRAIN_MS)
  }
}

async function main() {
  const app = await NestFactory.create(AppModule)
  app.enableShutdownHooks()
  await app.listen(process.env.PORT ?? 3000)
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
