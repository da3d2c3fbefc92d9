import 'reflect-metadata'
import { Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Cron, ScheduleModule } from '@nestjs/schedule'
import { ClustershazbotModule } from 'clustershazbot/nestjs'
import { nightlyReport, SCHEDULE } from './nightly-report.js'

@Injectable()
class Reports {
  @Cron(SCHEDULE)
  send() {
    return nightlyReport()
  }
}

@Module({
  imports: [ClustershazbotModule.forRoot(), ScheduleModule.forRoot()],
  providers: [Reports],
})
class AppModule {}

const app = await NestFactory.create(AppModule)
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
