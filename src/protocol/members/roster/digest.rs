//! A hash of all living servers, independent of their order: equal rosters have equal hashes.
//!
//! It is updated with each change and kept in 64 buckets by URL, so that rosters that differ
//! compare only the buckets that differ.

use siphasher::sip::SipHasher13;

use crate::protocol::types::time::Incarnation;
use crate::protocol::wire::extension::BUCKETS;

/// The hashes of all living servers, by bucket.
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
    /// Adds a living server by the hash of its URL, or removes it if it is contained.
    pub(in crate::protocol) fn toggle(&mut self, name: u64, incarnation: Incarnation) {
        if let Some(sum) = self.buckets.get_mut(bucket(name)) {
            *sum ^= mix(name ^ mix(u64::from(incarnation.0)));
        }
    }

    /// Replaces the incarnation of a contained server.
    #[inline]
    pub(in crate::protocol) fn replace(&mut self, name: u64, incarnations: [Incarnation; 2]) {
        let [before, after] = incarnations.map(|incarnation| mix(name ^ mix(u64::from(incarnation.0))));
        if let Some(sum) = self.buckets.get_mut(bucket(name)) {
            *sum ^= before ^ after;
        }
    }

    pub(in crate::protocol) fn total(&self) -> u64 {
        self.buckets.iter().fold(0, |total, bucket| total.rotate_left(1) ^ bucket)
    }

    pub(in crate::protocol) fn buckets(&self) -> &[u64; BUCKETS] {
        &self.buckets
    }
}

/// A short hash that names a server in four bytes.
pub(in crate::protocol) fn short_name(identity: &str) -> u32 {
    (name_hash(identity) >> 32) as u32
}

/// The bucket of a server with this hash.
#[inline]
pub(in crate::protocol) fn bucket(name: u64) -> usize {
    (name % BUCKETS as u64) as usize
}

/// The hash of a server's URL. Its key is part of the protocol, because every server must compute
/// the same hash.
pub(in crate::protocol) fn name_hash(identity: &str) -> u64 {
    SipHasher13::new().hash(identity.as_bytes())
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each input bit changes half of the output
/// bits on average.
pub(in crate::protocol) fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_toggling_twice_removes() {
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
            format!("{:x} {}", digest.total(), bucket(name_hash("http://server-1:3000/"))),
            "da5b01207e8980e8 54"
        );
    }
}
