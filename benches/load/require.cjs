const from = performance.now()
require(process.argv[2])
const time = performance.now() - from
process.stdout.write(String(time), () => process.exit())
