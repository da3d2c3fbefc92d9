//! Replies from this server's own URL.

use crate::protocol::lifecycle::own_url::{self, Answerer};
use crate::protocol::lifecycle::phase::Phase;
use crate::protocol::machine::Machine;
use crate::protocol::types::ids::ExchangeId;
use crate::protocol::types::time::Now;
use crate::protocol::wire::message::Reply;

impl Machine {
    /// Handles the reply from its own URL.
    pub(in crate::protocol::machine) fn conclude_own_url(
        &mut self,
        id: ExchangeId,
        reply: &Reply<'_>,
        now: Now,
    ) {
        self.exchanges.in_flight.end(id);
        if let Phase::Siblings { asked, tries_left } = *self.lifecycle.phase() {
            if asked == id {
                let answerer = own_url::answerer(&self.members, &self.exchanges, &self.cx, reply);
                self.conclude_sibling_request(answerer, tries_left, now);
            }
            return;
        }
        let Self { lifecycle, members, exchanges, cx, .. } = self;
        lifecycle.own_url.record_answer(members, exchanges, cx, id, reply, now);
        self.apply(now);
    }

    fn conclude_sibling_request(&mut self, answerer: Answerer, tries_left: u8, now: Now) {
        match answerer {
            // The sibling continues at this URL: no farewell, and the master list keeps it.
            Answerer::Sibling => self.lifecycle.end(&mut self.exchanges, &mut self.cx),
            Answerer::LocalServer | Answerer::LeavingSibling | Answerer::Unknown if tries_left > 0 => {
                self.ask_for_sibling(tries_left, now);
            }
            _ => self.say_farewell(now),
        }
    }
}
