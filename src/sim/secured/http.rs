//! What requests and responses mean.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::protocol::message::{Entry, Lists, ReceivedEntry, ReceivedLists, Refusal, Reply};
use crate::protocol::time::Stamp;
use crate::sim::host::Occupant;
use crate::sim::http::{HttpRequest, HttpResponse};
use crate::sim::wire::Outcome;

/// The body of a list response.
#[derive(Serialize)]
struct ListBody<'a> {
    online: &'a [Entry],
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

impl HttpRequest {
    /// The `v2` field of the body, if it is a string.
    pub fn payload(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get("v2")?.as_str()?.to_owned())
    }
}

impl HttpResponse {
    pub(in crate::sim) fn ok(body: Vec<u8>) -> Self {
        Self { status: 200, body }
    }

    /// The 401 of this package and of version 1.
    pub(in crate::sim) fn unauthorized() -> Self {
        Self { status: 401, body: br#"{"error":"Unauthorized: Invalid SHAZBOT_SECRET"}"#.to_vec() }
    }

    /// The 401 of this package for a signed message whose payload was changed or dropped.
    pub(in crate::sim) fn other_payload() -> Self {
        let body = br#"{"error":"Unauthorized: The body is not the one that was signed"}"#;
        Self { status: 401, body: body.to_vec() }
    }

    /// The 401 of something before the routes.
    pub(in crate::sim) fn foreign_rejection() -> Self {
        Self { status: 401, body: br#"{"error":"no"}"#.to_vec() }
    }

    pub(in crate::sim) fn list(online: &[Entry], proof: Option<String>) -> Self {
        Self::ok(serde_json::to_vec(&ListBody { online, proof }).unwrap_or_default())
    }

    /// The outcome for a sender that does not know the native extension.
    pub(crate) fn into_plain(self) -> Outcome {
        match Reply::read(self.status, None, &self.body).without_extension(&self.body) {
            Reply::Lists(lists) => Outcome::Lists(Arc::new(owned(&lists))),
            Reply::Refusal(refusal) => Outcome::Refused(refusal),
            _ => Outcome::ConnectionReset,
        }
    }
}

impl From<Outcome> for HttpResponse {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Http(response) => response,
            Outcome::Lists(lists) => Self::ok(lists.to_gossip_json(None)),
            Outcome::Listing(listing) => Self::ok(listing.to_lists().to_gossip_json(None)),
            Outcome::Refused(Refusal::TooLarge) => Self { status: 413, body: Vec::new() },
            Outcome::Refused(Refusal::TooManyRequests(_)) => Self { status: 429, body: Vec::new() },
            Outcome::Refused(_) => Self::foreign_rejection(),
            _ => Self { status: 502, body: Vec::new() },
        }
    }
}

impl Occupant {
    pub(in crate::sim) fn response(self) -> HttpResponse {
        HttpResponse::from(self.outcome())
    }
}

/// Removes a field of an object.
pub(in crate::sim) fn without(body: &[u8], field: &str) -> Vec<u8> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else { return body.to_vec() };
    object.remove(field);
    serde_json::to_vec(&object).unwrap_or_default()
}

/// Received lists as a server of version 1 holds them.
pub(in crate::sim) fn owned(lists: &ReceivedLists<'_>) -> Lists {
    let entry = |entry: &ReceivedEntry<'_>| Entry {
        base_url: (&*entry.base_url).into(),
        monitor: entry.monitor,
        last_update: Stamp(entry.last_update as u64),
    };
    Lists {
        online: lists.online.iter().map(entry).collect(),
        offline: lists.offline.iter().map(entry).collect(),
    }
}
