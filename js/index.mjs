import clustershazbot from './index.js'

export const {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
} = clustershazbot

export default clustershazbot
