//! The deliveries in progress.

use std::sync::Arc;

use crate::protocol::ExchangeId;
use crate::protocol::extension::Extension;
use crate::protocol::message::Lists;
use crate::security::delivery::{Delivery, Sent};
use crate::security::keys::Keyring;
use crate::security::proof::Nonce;
use crate::sim::clock::Millis;
use crate::sim::wire::{Outcome, ProcessId};

/// A delivery, or the search for a sibling.
#[derive(Debug)]
pub(in crate::sim) enum Task {
    Delivery(Box<DeliveryTask>),
    Search { process: ProcessId, nonce: Nonce, tries: u8 },
}

impl Task {
    pub(in crate::sim) fn process(&self) -> ProcessId {
        match self {
            Self::Delivery(task) => task.process,
            Self::Search { process, .. } => *process,
        }
    }
}

/// The delivery of one message.
#[derive(Debug)]
pub(in crate::sim) struct DeliveryTask {
    pub(in crate::sim) process: ProcessId,
    pub(in crate::sim) id: ExchangeId,
    pub(in crate::sim) base_url: Arc<str>,
    pub(in crate::sim) message: Message,
    pub(in crate::sim) delivery: Delivery,
    pub(in crate::sim) keyring: Arc<Keyring>,
    pub(in crate::sim) deadline: Millis,
    /// What was sent last.
    pub(in crate::sim) pending: Pending,
    /// The outcome of the latest list request.
    pub(in crate::sim) list: Option<Outcome>,
}

#[derive(Debug)]
pub(in crate::sim) enum Message {
    Gossip { lists: Arc<Lists>, extension: Arc<Extension> },
    OwnUrl { extension: Arc<Extension> },
    List,
}

#[derive(Debug)]
pub(in crate::sim) enum Pending {
    Nothing,
    List(Option<Nonce>),
    Signed(Sent, String),
    /// The nonce, the body and the index of the secret.
    Raw(Nonce, Vec<u8>, usize),
}
