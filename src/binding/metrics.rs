//! The numbers of this server, in a buffer that JavaScript keeps.

use napi::Env;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

use super::environment::EngineSlot;
use super::errors::Result;
use super::layout::MetricWord;
use super::words::set_word;
use crate::driver::metrics::{BUCKETS, DriverMetrics, Durations, REQUEST_KINDS, REQUEST_OUTCOMES};
use crate::protocol::metrics::{CHANGE_CAUSES, CHANGE_TYPES, Metrics, REFUSAL_REASONS};
use crate::protocol::time::Stamp;

/// The version of the package. Bundlers do not find its package.json.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Words for the durations of one kind: its buckets, and the sum.
const DURATION_WORDS: usize = BUCKETS + 1;

const fn holds(from: MetricWord, to: MetricWord, words: usize) -> bool {
    to as usize - from as usize == words
}

const _: () = assert!(holds(MetricWord::Changes, MetricWord::RefusedClaims, CHANGE_TYPES * CHANGE_CAUSES));
const _: () = assert!(holds(MetricWord::RefusedClaims, MetricWord::Requests, REFUSAL_REASONS));
const _: () = assert!(holds(MetricWord::Requests, MetricWord::Durations, REQUEST_KINDS * REQUEST_OUTCOMES));
const _: () = assert!(holds(MetricWord::Durations, MetricWord::Length, REQUEST_KINDS * DURATION_WORDS));

/// Writes the numbers of this server. Returns false, and writes nothing, if no engine runs.
#[napi(catch_unwind, ts_args_type = "words: Uint8Array")]
pub fn read_metrics(env: &Env, mut words: BufferSlice<'_>) -> Result<bool> {
    let slot = EngineSlot::of(env)?;
    let Ok(engine) = slot.borrow() else { return Ok(false) };
    engine.metrics(|machine, driver| MetricWords(&mut words).write(machine, driver));
    Ok(true)
}

struct MetricWords<'a>(&'a mut [u8]);

impl MetricWords<'_> {
    fn write(&mut self, machine: &Metrics<'_>, driver: &DriverMetrics) {
        for (state, servers) in machine.states.iter().enumerate() {
            self.set(MetricWord::Members, state, *servers as f64);
            self.set(MetricWord::Phases, state, f64::from(u8::from(machine.phase as usize == state)));
        }
        let list = machine.master_list;
        for (word, value) in [
            (MetricWord::Natives, machine.natives as f64),
            (MetricWord::IsIsolated, f64::from(u8::from(machine.is_isolated))),
            (MetricWord::InFlight, machine.in_flight as f64),
            (MetricWord::HealthScore, machine.health_score),
            (MetricWord::Lag, driver.lag.as_secs_f64()),
            (MetricWord::Disagreement, machine.disagreement),
            (MetricWord::DownloadedAt, seconds(list.downloaded_at)),
            (MetricWord::UploadedAt, seconds(list.uploaded_at)),
        ] {
            self.set(word, 0, value);
        }
        let [sent, received] = driver.bytes;
        self.set_counts(MetricWord::SentBytes, &[sent]);
        self.set_counts(MetricWord::ReceivedBytes, &[received]);
        let changes = machine.changes;
        self.set_counts(MetricWord::Suspicions, &[changes.refuted_suspicions, changes.confirmed_suspicions]);
        self.set_counts(MetricWord::Refutations, &[machine.refutations]);
        self.set_counts(MetricWord::Received, &[machine.received.native, machine.received.plain]);
        self.set_counts(MetricWord::MasterListFailures, &[list.failed_downloads, list.failed_uploads]);
        self.set_counts(MetricWord::Changes, changes.by_type.as_flattened());
        self.set_counts(MetricWord::RefusedClaims, machine.refused_claims);
        self.set_counts(MetricWord::Requests, driver.sent.outcomes.as_flattened());
        for (kind, Durations { buckets, sum }) in driver.sent.durations.iter().enumerate() {
            for (bucket, requests) in buckets.iter().enumerate() {
                self.set(MetricWord::Durations, kind * DURATION_WORDS + bucket, *requests as f64);
            }
            self.set(MetricWord::Durations, kind * DURATION_WORDS + BUCKETS, *sum as f64 / 1e6);
        }
    }

    // Not inlined, as each copy adds to the addon.
    #[inline(never)]
    fn set_counts(&mut self, first: MetricWord, counts: &[u64]) {
        for (index, count) in counts.iter().enumerate() {
            self.set(first, index, *count as f64);
        }
    }

    #[inline(never)]
    fn set(&mut self, first: MetricWord, index: usize, value: f64) {
        set_word(self.0, first as usize + index, value);
    }
}

/// The time since the epoch in seconds; not a number if there is none.
fn seconds(stamp: Option<Stamp>) -> f64 {
    stamp.map_or(f64::NAN, |stamp| stamp.0 as f64 / 1e3)
}
