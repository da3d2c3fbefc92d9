//! A digest of the machines' output in a run, which stays the same as long as their behaviour does.
//!
//! It covers the target, the timeout and the serialised bytes of each request, and the kind of each
//! event. It excludes log texts, whose wording may change.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::clock::Millis;
use super::wire::ProcessId;
use crate::protocol::document::Condition;
use crate::protocol::message::Lists;
use crate::protocol::output::{Event, Severity, Transmit};

/// The digest of all output so far.
#[derive(Debug, Default)]
pub struct Golden(SipHasher13);

impl Golden {
    /// Returns the digest.
    pub fn digest(&self) -> u64 {
        self.0.finish()
    }

    /// Records a transmit.
    pub(super) fn record_transmit(&mut self, at: Millis, from: ProcessId, transmit: &Transmit) {
        self.begin(at, from, transmit_kind(transmit));
        match transmit {
            Transmit::Gossip { id: _, base_url, lists, extension, timeout } => {
                self.bytes(base_url.as_bytes());
                self.0.write_u128(timeout.as_nanos());
                self.bytes(&lists.to_gossip_json(extension.as_deref()));
            }
            Transmit::CheckOwnUrl { id: _, base_url, extension, timeout } => {
                self.bytes(base_url.as_bytes());
                self.0.write_u128(timeout.as_nanos());
                self.bytes(&Lists::default().to_gossip_json(Some(extension)));
            }
            Transmit::Inquire { id: _, base_url, timeout } => {
                self.bytes(base_url.as_bytes());
                self.0.write_u128(timeout.as_nanos());
            }
            Transmit::UploadMasterList { id: _, entries, condition } => {
                let entries = serde_json::to_vec(entries).unwrap_or_default();
                self.bytes(&entries);
                self.bytes(condition_text(condition).as_bytes());
            }
            Transmit::DownloadMasterList { .. } | Transmit::AbandonAll => {}
        }
    }

    /// Records an event.
    pub(super) fn record_event(&mut self, at: Millis, from: ProcessId, event: &Event) {
        self.begin(at, from, event_kind(event));
    }

    fn begin(&mut self, at: Millis, from: ProcessId, kind: u8) {
        self.0.write_u64(at);
        self.0.write_u32(from.0);
        self.0.write_u8(kind);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_usize(bytes.len());
        self.0.write(bytes);
    }
}

fn transmit_kind(transmit: &Transmit) -> u8 {
    match transmit {
        Transmit::Gossip { .. } => 1,
        Transmit::Inquire { .. } => 2,
        Transmit::DownloadMasterList { .. } => 3,
        Transmit::UploadMasterList { .. } => 4,
        Transmit::AbandonAll => 5,
        Transmit::CheckOwnUrl { .. } => 6,
    }
}

fn event_kind(event: &Event) -> u8 {
    match event {
        Event::Started => 11,
        Event::ShutDown => 12,
        Event::Log { severity: Severity::Info, .. } => 15,
        Event::Log { severity: Severity::Warning, .. } => 13,
        Event::Log { severity: Severity::Error, .. } => 14,
    }
}

fn condition_text(condition: &Condition) -> &str {
    match condition {
        Condition::None => "none",
        Condition::Unchanged(tag) => tag,
        Condition::Absent => "absent",
    }
}
