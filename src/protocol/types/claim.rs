//! A claim about one server, in the form that native servers exchange.
//!
//! ```text
//! [baseUrl, "alive"|"suspect"|"dead"|"left", incarnation, lastUpdate, 0|1 (monitor), age in s | [accuser, …]]
//! ```

use std::fmt;
use std::sync::Arc;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::status::Status;
use crate::protocol::types::text::scalars::{Text, Whole, number};
use crate::protocol::types::time::{Incarnation, Stamp};

/// A claim about one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The base URL as spelled, with a final slash.
    pub base_url: Arc<str>,
    /// The status of the server.
    pub status: Status,
    /// The version among native servers; zero if the server was never known to be native.
    pub incarnation: Incarnation,
    /// The version among legacy peers.
    pub last_update: Stamp,
    /// Whether it is a monitor.
    pub monitor: bool,
    /// The age of a tombstone, in seconds.
    pub age: u32,
    /// The servers that found a suspect silent.
    pub accusers: Accusers,
}

impl Claim {
    /// A claim that tells a server that legacy peers list it as dead.
    pub(in crate::protocol) fn accusation(base_url: Arc<str>, stamp: Stamp) -> Self {
        Self {
            base_url,
            status: Status::Dead,
            incarnation: Incarnation::NONE,
            last_update: stamp,
            monitor: false,
            age: 0,
            accusers: Default::default(),
        }
    }

    /// The largest size of this claim in a message, in bytes, approximately.
    pub(in crate::protocol) fn bytes(&self) -> usize {
        const BESIDE_THE_URL: usize = 80;
        self.base_url.len() + BESIDE_THE_URL
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Accused<'a>(&'a Accusers);
        impl Serialize for Accused<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(None)?;
                for accuser in self.0.iter() {
                    list.serialize_element(&accuser)?;
                }
                list.end()
            }
        }
        let has_more = self.status != Status::Online;
        let mut tuple = serializer.serialize_tuple(if has_more { 6 } else { 5 })?;
        tuple.serialize_element(&self.base_url)?;
        tuple.serialize_element(self.status.name())?;
        tuple.serialize_element(&self.incarnation)?;
        tuple.serialize_element(&self.last_update)?;
        tuple.serialize_element(&u8::from(self.monitor))?;
        match self.status {
            Status::Online => {}
            Status::Suspect => tuple.serialize_element(&Accused(&self.accusers))?,
            Status::Dead | Status::Left => tuple.serialize_element(&self.age)?,
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ClaimVisitor)
    }
}

struct ClaimVisitor;

impl<'de> Visitor<'de> for ClaimVisitor {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[baseUrl, status, incarnation, lastUpdate, monitor, …]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Claim, A::Error> {
        use serde::de::Error;
        let missing = |index| move || A::Error::invalid_length(index, &"five elements");
        let base_url: Arc<str> = seq.next_element()?.ok_or_else(missing(0))?;
        let Text(status) = seq.next_element()?.ok_or_else(missing(1))?;
        let status = Status::named(&status).ok_or_else(|| A::Error::custom("an unknown status"))?;
        let Whole(incarnation) = seq.next_element()?.ok_or_else(missing(2))?;
        let Whole(last_update) = seq.next_element()?.ok_or_else(missing(3))?;
        let Whole::<u8>(monitor) = seq.next_element()?.ok_or_else(missing(4))?;
        let mut claim = Claim {
            base_url,
            status,
            incarnation: Incarnation(incarnation),
            last_update: Stamp(last_update),
            monitor: monitor != 0,
            age: 0,
            accusers: Accusers::default(),
        };
        match status {
            Status::Online => {}
            Status::Suspect => {
                let accusers =
                    seq.next_element::<&RawValue>()?.map_or(Some(Accusers::default()), read_accusers);
                claim.accusers = accusers.ok_or_else(|| A::Error::custom("no list of accusers"))?;
            }
            Status::Dead | Status::Left => claim.age = seq.next_element()?.map_or(0, |Whole(age)| age),
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(claim)
    }
}

/// The accusers; `None` unless the value is a list of numbers or null. An infinite number counts as
/// null, because JavaScript writes it as null.
fn read_accusers(raw: &RawValue) -> Option<Accusers> {
    let text = raw.get();
    if text == "null" || number(text).is_some_and(f64::is_infinite) {
        return Some(Accusers::default());
    }
    let accusers: Vec<Whole<u32>> = serde_json::from_str(text).ok()?;
    Some(accusers.into_iter().map(|Whole(accuser)| accuser).collect())
}
