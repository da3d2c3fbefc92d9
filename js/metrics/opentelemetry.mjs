import openTelemetry from './opentelemetry.js'

export const { shazbotOpenTelemetry } = openTelemetry
