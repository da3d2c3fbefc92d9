import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClustershazbotController, ClustershazbotService } from './clustershazbot.js'
import { SlowProvider } from './slow-provider.js'

@Module({ controllers: [ClustershazbotController], providers: [ClustershazbotService, SlowProvider] })
class AppModule {}

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  app.enableShutdownHooks()
  await app.listen(Number(process.env.PORT), '127.0.0.1')
}
bootstrap()
