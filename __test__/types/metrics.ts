import { metrics } from '@opentelemetry/api'
import { shazbotMetrics } from 'clustershazbot/metrics'
import { shazbotOpenTelemetry } from 'clustershazbot/opentelemetry'
import { shazbotPromClient } from 'clustershazbot/prom-client'
import { Registry } from 'prom-client'

export const text: string = shazbotMetrics()

shazbotPromClient()
shazbotPromClient(new Registry())

export const stops: (() => void)[] = [shazbotOpenTelemetry(), shazbotOpenTelemetry(metrics.getMeter('own'))]
