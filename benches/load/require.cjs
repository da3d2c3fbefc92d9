const from = performance.now()
require('../../js/index.js')
process.stdout.write(String(performance.now() - from))
