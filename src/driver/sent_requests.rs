//! Counts of the requests that this server has sent, by their outcomes and durations.

use std::time::Duration;

use super::transport::TransportError;
use crate::protocol::extension::Kind;
use crate::protocol::message::{Refusal, Reply};
use crate::protocol::output::Transmit;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// News for a peer.
    Gossip,
    /// Whether a native server answers.
    Probe,
    /// A comparison of member lists.
    Sync,
    /// The list of a peer.
    List,
    /// Whether this server is reached at its own URL.
    OwnUrl,
    /// A download of the master list.
    Download,
    /// An upload of the master list.
    Upload,
}

/// The number of kinds.
pub const REQUEST_KINDS: usize = RequestKind::Upload as usize + 1;

/// How a request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    /// With a valid answer.
    Ok,
    /// The other side has rejected it, with a 4xx status.
    Rejected,
    /// It was not sent: the other side has not proved the secret, or is not allowed.
    Withheld,
    /// With an answer that is none to such a request.
    Invalid,
    /// Nothing listens on the port.
    Refused,
    /// Without an answer in time.
    TimedOut,
    /// In another way.
    Failed,
}

/// The number of outcomes.
pub const REQUEST_OUTCOMES: usize = RequestOutcome::Failed as usize + 1;

/// Upper bounds of the buckets of durations, in microseconds; one more bucket has all durations.
const BOUNDS: [u64; 12] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000];

/// The number of buckets.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// The requests of all kinds that have ended. Those that a leave has cut short are not counted.
#[derive(Debug, Clone, Default)]
pub struct SentRequests {
    /// Requests by kind and outcome.
    pub outcomes: [[u64; REQUEST_OUTCOMES]; REQUEST_KINDS],
    /// Their durations by kind.
    pub durations: [Durations; REQUEST_KINDS],
}

/// The durations of requests.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    /// Requests that took at most as long as the bound of each bucket.
    pub buckets: [u64; BUCKETS],
    /// All durations together, in microseconds.
    pub sum: u64,
}

impl SentRequests {
    pub(super) fn record(&mut self, kind: RequestKind, outcome: RequestOutcome, duration: Duration) {
        self.outcomes[kind as usize][outcome as usize] += 1;
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let Durations { buckets, sum } = &mut self.durations[kind as usize];
        let shorter = BOUNDS.iter().filter(|bound| **bound < micros).count();
        buckets.iter_mut().skip(shorter).for_each(|count| *count += 1);
        *sum = sum.saturating_add(micros);
    }
}

impl RequestKind {
    /// The kind of a request; a request that ends others counts as gossip.
    pub(super) fn of(transmit: &Transmit) -> Self {
        match transmit {
            Transmit::Gossip { extension: Some(extension), .. } => match extension.kind {
                Kind::Probe | Kind::ProbeFor(_) => Self::Probe,
                Kind::Sync(_) => Self::Sync,
                Kind::Push | Kind::Other => Self::Gossip,
            },
            Transmit::Gossip { .. } | Transmit::AbandonAll => Self::Gossip,
            Transmit::Inquire { .. } => Self::List,
            Transmit::CheckOwnUrl { .. } => Self::OwnUrl,
            Transmit::DownloadMasterList { .. } => Self::Download,
            Transmit::UploadMasterList { .. } => Self::Upload,
        }
    }
}

impl RequestOutcome {
    /// The outcome of a request to a peer.
    pub(super) fn of_reply(reply: &Reply<'_>) -> Self {
        match reply {
            Reply::Lists(_) | Reply::Native(_) => Self::Ok,
            Reply::Refusal(Refusal::Withheld | Refusal::NotAllowed) => Self::Withheld,
            Reply::Refusal(_) => Self::Rejected,
            Reply::Unclear(_) => Self::Invalid,
            Reply::NoListener(_) => Self::Refused,
            Reply::Failure(_) => Self::Failed,
        }
    }

    /// The outcome of a request without a response.
    pub(super) fn of_error(error: &TransportError) -> Self {
        match error {
            TransportError::TimedOut(_) => Self::TimedOut,
            TransportError::Refused => Self::Refused,
            TransportError::NotAllowed => Self::Withheld,
            _ => Self::Failed,
        }
    }

    /// The outcome of a request to the store of the master list.
    pub(super) fn of_store(status: u16, is_valid: bool) -> Self {
        match status {
            _ if is_valid => Self::Ok,
            400..=499 => Self::Rejected,
            _ => Self::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_its_bucket_and_the_longer_ones() {
        let mut sent = SentRequests::default();
        for millis in [1, 3, 9_000] {
            sent.record(RequestKind::List, RequestOutcome::Ok, Duration::from_millis(millis));
        }
        let Durations { buckets, sum } = &sent.durations[RequestKind::List as usize];
        assert_eq!(*buckets, [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
        assert_eq!(*sum, 9_004_000);
        assert_eq!(sent.outcomes[RequestKind::List as usize], [3, 0, 0, 0, 0, 0, 0]);
    }
}
