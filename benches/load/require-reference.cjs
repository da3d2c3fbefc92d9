const from = performance.now()
require('../../__test__/reference/index.js')
process.stdout.write(String(performance.now() - from), () => process.exit())
