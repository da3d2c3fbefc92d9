const from = performance.now()
await import('clustershazbot')
process.stdout.write(String(performance.now() - from))
