import clustershazbot, {
  type Config,
  type ControlMessage,
  type GossipMessage,
  type GossipServer,
  type ServerList,
  shazbotControlRequest,
  shazbotGetServerList,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotShutDown,
  shazbotStart,
} from 'clustershazbot'

/** True only if both types are one and the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <_Claim extends true>() => {}

isTrue<Same<typeof shazbotStart, () => Promise<void>>>()
isTrue<Same<typeof shazbotShutDown, () => Promise<void>>>()
isTrue<
  Same<
    typeof shazbotGossipRequest,
    (authorizationHeader: string, body: GossipMessage) => Promise<GossipMessage>
  >
>()
isTrue<Same<typeof shazbotListRequest, (authorizationHeader: string) => Promise<ServerList>>>()
isTrue<
  Same<typeof shazbotControlRequest, (authorizationHeader: string, message: ControlMessage) => Promise<void>>
>()
isTrue<Same<typeof shazbotGetServerList, (includeOffline?: boolean) => ServerList>>()
isTrue<Same<typeof clustershazbot.shazbotStart, typeof shazbotStart>>()

const server: GossipServer = { baseUrl: 'http://localhost:3000/', monitor: false, lastUpdate: Date.now() }
const message: GossipMessage = { message: 'gossip', online: [server] }
const literal: { message: 'gossip'; online: GossipServer[]; offline?: GossipServer[] } = message
const passedOn: GossipMessage = { ...literal, v2: {} }
const control: ControlMessage = { message: 'control', online: false }
isTrue<Same<Config['SHAZBOT_SECRET'], string>>()
isTrue<Same<Config['SHAZBOT_GOSSIP_INTERVAL'], number>>()
isTrue<Same<Config['SHAZBOT_MONITOR'], boolean>>()

export async function use(): Promise<string[]> {
  await shazbotStart()
  const answer: GossipMessage = await shazbotGossipRequest('secret', passedOn)
  const { online, offline = [] } = await shazbotListRequest('')
  await shazbotControlRequest('secret', control)
  await shazbotShutDown()
  return [...answer.online, ...online, ...offline, ...shazbotGetServerList(true).online].map(
    ({ baseUrl }) => baseUrl,
  )
}
