//! Requests and answers as bytes, without an object between: for those who hold what came over the wire.

use super::engine::Engine;
use super::written::{Draft, elements};
use crate::protocol::message::Lists;
use crate::protocol::request::Request;

/// Up to so many servers, what is shown is written faster than the way to another thread takes.
const FEW: usize = 128;

/// In which form the servers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the answer to a gossip request.
    Gossip,
    /// As a list of all.
    All,
    /// As a list of those online.
    Online,
}

impl Engine {
    /// Merges the body of a gossip request, and answers one in the native extension; none for a plain one, whose answer
    /// is what is shown afterwards.
    ///
    /// # Errors
    /// Says what the body is instead of a gossip message. Nothing of it was merged.
    pub fn gossip_raw(&self, body: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        // As JavaScript reads bytes that are no text.
        let text = String::from_utf8_lossy(body);
        let speaks_natively = self.shared.with(|machine, _| machine.is_native());
        Ok(match Request::read(&text, speaks_natively)? {
            Request::Native(heard) => {
                let answer = self.shared.answer_native(&heard);
                Some(Lists::default().to_gossip_json(Some(&answer)))
            }
            Request::Lists(lists) => {
                self.shared.hear(lists);
                None
            }
        })
    }

    /// What this server shows. Where there is much, that takes its time: see [`Engine::shows_few`].
    pub fn show(&self, form: Form) -> Vec<u8> {
        let kept = self.shared.written.get();
        let (draft, (entry, is_online)) =
            self.shared.with(|machine, _| (Draft::of(machine, kept), machine.own_entry()));
        let others = self.shared.written.write(draft);
        let own = elements(&[entry]);
        let (online, offline): (&[u8], &[u8]) = if is_online { (&own, b"") } else { (b"", &own) };
        let mut text = Vec::with_capacity(own.len() + others.online.len() + others.offline.len() + 64);
        text.extend_from_slice(if form == Form::Gossip {
            br#"{"message":"gossip","online":["#
        } else {
            br#"{"online":["#
        });
        join(&mut text, online, &others.online);
        if form != Form::Online {
            text.extend_from_slice(br#"],"offline":["#);
            join(&mut text, offline, &others.offline);
        }
        text.extend_from_slice(b"]}");
        text
    }

    /// Whether [`Engine::show`] is quick enough to be called where others wait.
    pub fn shows_few(&self) -> bool {
        self.shared.with(|machine, _| machine.other_count() <= FEW)
    }
}

fn join(text: &mut Vec<u8>, first: &[u8], second: &[u8]) {
    text.extend_from_slice(first);
    if !first.is_empty() && !second.is_empty() {
        text.push(b',');
    }
    text.extend_from_slice(second);
}
