const from = performance.now()
require('clustershazbot')
process.stdout.write(String(performance.now() - from))
