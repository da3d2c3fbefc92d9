import { NestFactory } from '@nestjs/core'
import { ClustershazbotModule } from './clustershazbot.module.js'

async function main() {
  const app = await NestFactory.create(ClustershazbotModule)
  app.enableShutdownHooks()
  await app.listen(process.env.PORT ?? 3000)
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
