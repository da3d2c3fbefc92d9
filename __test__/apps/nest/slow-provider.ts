import { setTimeout as pause } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'

/**
 * A provider whose start is slow, like a database's. Nest does not listen before it is complete.
 */
@Injectable()
export class SlowProvider {
  async onModuleInit() {
    await pause(Number(process.env.PROVIDER_STARTS_WITHIN_MS || 0))
  }
}
