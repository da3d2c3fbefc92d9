import { createServer } from 'node:http'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { shazbotHandler } from 'clustershazbot/node'
import { shazbotOpenTelemetry } from 'clustershazbot/opentelemetry'
import { liveInCluster } from './life.js'

// In production, an exporter for OTLP takes the place of this one.
const exporter = new ConsoleMetricExporter()
const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] })
shazbotOpenTelemetry(provider.getMeter('clustershazbot'))

const server = createServer(shazbotHandler())
server.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => {
  server.close()
  return provider.shutdown()
})
