import owners from './index.js'

export const { shazbotOwner, shazbotOwners, shazbotOwns, shazbotRunOnce } = owners
