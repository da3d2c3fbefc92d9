//! The answers to signed messages, from their status and body.

use super::delivery::{Delivery, Next, Sent};
use super::keys::Keyring;
use super::message::Party;
use super::payload::decode;
use super::process::ProcessNumber;
use super::sessions::{RejectedBy, Sessions};
use crate::protocol::envelope::signed_answer;
use crate::protocol::extension::Extension;
use crate::protocol::message::{ReceivedLists, Refusal, Reply};
use crate::protocol::status::Status;
use crate::protocol::time::Tick;

/// How the texts of this package's rejections begin. Some programs send them with another status.
const REJECTION: &str = "Unauthorized: ";
/// The same, if the header was rejected. If the body was, something has changed it on its way, and
/// anything else before the routes sends another text.
const OWN_REJECTION: &str = "Unauthorized: Invalid ";

/// The text in a 429 that this package sends instead of a 401, if too many came before.
const OWN_LIMIT: &str = "Too many requests without the secret";

/// What follows the answer to a signed message.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The delivery goes on with [`Delivery::next`].
    Retry,
    /// The delivery has ended: this is the verified response.
    Native(Box<Extension>),
    /// The delivery has ended with lists that are not signed. Another service may have taken over
    /// the address, so they are not to be trusted.
    Unsigned,
    /// The delivery has ended with this answer.
    Other,
}

impl Delivery {
    /// Records the answer to a signed message.
    pub fn record_answer(
        &mut self,
        sessions: &mut Sessions,
        keyring: &Keyring,
        sent: &Sent,
        answer: (u16, &[u8]),
        now: Tick,
    ) -> Answer {
        let (status, body) = answer;
        if !is_success(status) {
            let text = String::from_utf8_lossy(body);
            let is_own = text.contains(OWN_REJECTION) || (status == 429 && text.contains(OWN_LIMIT));
            if !is_own && !is_rejection(status, body) && !text.contains(REJECTION) {
                return Answer::Other;
            }
            let by = if is_own { RejectedBy::Itself } else { RejectedBy::Another };
            return match self.record_rejection(sessions, by, now) {
                Next::Deliver => Answer::Other,
                Next::Continue => Answer::Retry,
            };
        }
        let text = signed_answer(body);
        let verified =
            text.as_deref().and_then(|text| self.read_response(sessions, keyring, sent, text, now));
        let extension = verified.and_then(|response| {
            let responder = Party { base_url: self.base_url(), process: response.process };
            decode(response.payload, responder)
        });
        if let Some(extension) = extension {
            return Answer::Native(Box::new(extension));
        }
        self.record_rejection(sessions, RejectedBy::Another, now);
        let is_list = ReceivedLists::read(&String::from_utf8_lossy(body)).is_ok();
        if is_list { Answer::Unsigned } else { Answer::Other }
    }
}

/// Whether a status is a success.
pub fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether the peer has another secret. A peer without an engine may answer 401 as well.
pub fn is_rejection(status: u16, body: &[u8]) -> bool {
    status == 401 && matches!(Reply::read(401, None, body), Reply::Refusal(Refusal::Unauthorized))
}

/// The answer at the own URL as the process that has proved the secret there would send it. It is
/// online if its list shows the URL.
pub fn own_url_answer(extension: &Extension, process: ProcessNumber, list: Option<&[u8]>) -> Extension {
    let mut answer = extension.clone();
    answer.instance = process.get();
    let is_listed = list.is_some_and(|body| {
        ReceivedLists::read(&String::from_utf8_lossy(body)).is_ok_and(|lists| !lists.online.is_empty())
    });
    answer.me.status = if is_listed { Status::Online } else { Status::Left };
    answer
}
