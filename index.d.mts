export * from './index.js'

import * as clustershazbot from './index.js'
export default clustershazbot
