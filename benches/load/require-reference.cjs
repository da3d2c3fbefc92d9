const from = performance.now()
require('../../__test__/reference')
process.stdout.write(String(performance.now() - from), () => process.exit())
