export * from './nestjs-terminus.js'
