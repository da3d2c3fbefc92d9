import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ClustershazbotModule } from 'clustershazbot/nestjs'

@Module({ imports: [ClustershazbotModule.forRoot()] })
class AppModule {}

async function main() {
  const app = await NestFactory.create(AppModule)
  app.enableShutdownHooks()
  await app.listen(process.env.PORT ?? 3000)
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
