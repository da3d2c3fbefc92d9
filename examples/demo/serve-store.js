// A master-list store for the other examples; its address and its secret are those in their
// settings.env.
import { openStore } from './store.js'

const store = await openStore({ port: 3999, authorization: 'Bearer change-me-store' })
console.log(`Master list at ${store.url}, Ctrl-C ends it`)
