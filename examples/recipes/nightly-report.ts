import { shazbotRunOnce } from 'clustershazbot/owners'

/** When the report is due: every night at 3. All servers must use the same time zone. */
export const SCHEDULE = process.env.REPORT_SCHEDULE ?? '0 3 * * *'

/** Sends the report if this server owns the job. Every server calls it at the same time. */
export async function nightlyReport() {
  const result = await shazbotRunOnce('nightly report', sendReport)
  if (!result.ran) console.log(`No report from here: ${result.why}`)
}

/** Stands for the real work. It stops when another server takes over. */
async function sendReport(signal: AbortSignal) {
  signal.throwIfAborted()
  console.log('The report is sent')
}
