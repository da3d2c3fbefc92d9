import { setTimeout as pause } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'

/** Another provider whose start takes its time, as a database's does: Nest does not listen before it is done. */
@Injectable()
export class SlowNeighbour {
  async onModuleInit() {
    await pause(Number(process.env.NEIGHBOUR_STARTS_WITHIN_MS || 0))
  }
}
