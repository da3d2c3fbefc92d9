const from = performance.now()
await import('../../__test__/reference/index.js')
process.stdout.write(String(performance.now() - from), () => process.exit())
