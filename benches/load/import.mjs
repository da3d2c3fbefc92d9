const from = performance.now()
await import('../../js/index.mjs')
process.stdout.write(String(performance.now() - from))
