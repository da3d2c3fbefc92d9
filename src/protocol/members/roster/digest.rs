//! One number for all living servers, whatever their order: two rosters that agree have the same.
//!
//! Kept up to date with each change, in 64 buckets by URL, so that rosters that differ need to compare a part only.

use siphasher::sip::SipHasher13;

use crate::protocol::types::time::Incarnation;
use crate::protocol::wire::extension::BUCKETS;

/// The sums over all living servers.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct Digest {
    buckets: [u64; BUCKETS],
}

impl Default for Digest {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS] }
    }
}

impl Digest {
    /// Adds a living server by the hash of its name, or takes it out again.
    pub(in crate::protocol) fn toggle(&mut self, name: u64, incarnation: Incarnation) {
        if let Some(sum) = self.buckets.get_mut(bucket(name)) {
            *sum ^= mix(name ^ mix(u64::from(incarnation.0)));
        }
    }

    pub(in crate::protocol) fn total(&self) -> u64 {
        self.buckets.iter().fold(0, |total, bucket| total.rotate_left(1) ^ bucket)
    }

    pub(in crate::protocol) fn buckets(&self) -> &[u64; BUCKETS] {
        &self.buckets
    }
}

/// The bucket of a server.
pub(in crate::protocol) fn bucket_of(identity: &str) -> usize {
    bucket(name_hash(identity))
}

/// A number for a server, to name it in few bytes.
pub(in crate::protocol) fn short_name(identity: &str) -> u32 {
    (name_hash(identity) >> 32) as u32
}

fn bucket(name: u64) -> usize {
    (name % BUCKETS as u64) as usize
}

/// The number of a server. The key is part of the protocol: every server has to come to the same number.
pub(in crate::protocol) fn name_hash(identity: &str) -> u64 {
    SipHasher13::new().hash(identity.as_bytes())
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input changes half of the output's.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_what_was_added_can_be_taken_out() {
        let (mut one, mut other) = (Digest::default(), Digest::default());
        for url in ["http://a/", "http://b/", "http://c/"] {
            one.toggle(name_hash(url), Incarnation(1));
        }
        for url in ["http://c/", "http://d/", "http://a/", "http://b/", "http://d/"] {
            other.toggle(name_hash(url), Incarnation(1));
        }
        assert_eq!(one.total(), other.total());
        other.toggle(name_hash("http://a/"), Incarnation(1));
        other.toggle(name_hash("http://a/"), Incarnation(2));
        assert_ne!(one.total(), other.total());
    }

    #[test]
    fn hashes_are_the_same_in_every_build() {
        let mut digest = Digest::default();
        digest.toggle(name_hash("http://server-1:3000/"), Incarnation(1_700_000_000));
        assert_eq!(
            format!("{:x} {}", digest.total(), bucket_of("http://server-1:3000/")),
            "da5b01207e8980e8 54"
        );
    }
}
