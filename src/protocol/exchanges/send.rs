//! Sends messages to native servers, with at most one exchange per peer at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::protocol::context::Context;
use crate::protocol::context::output::Transmit;
use crate::protocol::exchanges::Exchanges;
use crate::protocol::exchanges::in_flight::Purpose;
use crate::protocol::exchanges::native_message::{NativeMessage, with_accusation_notice};
use crate::protocol::members::Members;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::Now;
use crate::protocol::wire::extension::Extension;
use crate::protocol::wire::message::Lists;

/// Timeout of an exchange that compares rosters.
const SYNC_TIMEOUT: Duration = Duration::from_secs(5);

impl Exchanges {
    /// Sends a message to a native server, unless an exchange with it is in flight or there is no
    /// room.
    pub(in crate::protocol) fn send_native(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peer: &Arc<str>,
        message: NativeMessage,
        now: Now,
    ) -> Option<ExchangeId> {
        self.send_natives(members, cx, vec![Arc::clone(peer)], message, now).pop_first()
    }

    /// Sends a message to native servers as far as there is room, except those with an exchange in
    /// flight.
    pub(in crate::protocol) fn send_natives(
        &mut self,
        members: &mut Members,
        cx: &mut Context,
        peers: Vec<Arc<str>>,
        message: NativeMessage,
        now: Now,
    ) -> BTreeSet<ExchangeId> {
        if peers.is_empty() {
            return BTreeSet::new();
        }
        members.local.refresh(now);
        let NativeMessage { kind, purpose, claims, subjects, found } = message;
        let extension = Arc::new(Extension { found, ..self.extension(members, kind, claims) });
        let mut exchanges = BTreeSet::new();
        for peer in peers {
            if self.in_flight.has_exchange_with(&peer) || self.native_room(members, cx) == 0 {
                continue;
            }
            let base_url = members.roster.spelling(&peer);
            let extension = Some(with_accusation_notice(members, &extension, &peer, now));
            let timeout = self.timeout_of(purpose);
            let id = self.in_flight.begin_with_claims(peer, purpose, Arc::clone(&subjects), now.tick);
            let lists = Arc::new(Lists::default());
            cx.transmits.push_back(Transmit::Gossip { id, base_url, lists, extension, timeout });
            exchanges.insert(id);
        }
        exchanges
    }

    fn timeout_of(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Probe | Purpose::Relay | Purpose::AccusationNotice => self.health.probe_timeout(),
            Purpose::Sync => SYNC_TIMEOUT,
            _ => self.health.native_timeout(),
        }
    }
}
