//! Text that is shared rather than copied.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Immutable text: one of its own, or a part of a larger one. A copy is a counter's increment.
#[derive(Clone)]
pub struct SharedText(Source);

#[derive(Clone)]
enum Source {
    Whole(Arc<str>),
    Part { block: Arc<String>, start: u32, length: u16 },
}

impl SharedText {
    /// The part of a block with this start and length in bytes; empty if that is no text.
    #[inline]
    pub(in crate::protocol) fn part(block: &Arc<String>, start: u32, length: u16) -> Self {
        Self(Source::Part { block: Arc::clone(block), start, length })
    }
}

impl Deref for SharedText {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.0 {
            Source::Whole(text) => text,
            Source::Part { block, start, length } => {
                let start = *start as usize;
                block.get(start..start + usize::from(*length)).unwrap_or_default()
            }
        }
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        Self(Source::Whole(text.into()))
    }
}

impl From<Arc<str>> for SharedText {
    #[inline]
    fn from(text: Arc<str>) -> Self {
        Self(Source::Whole(text))
    }
}

impl From<SharedText> for Arc<str> {
    #[inline]
    fn from(text: SharedText) -> Self {
        match text.0 {
            Source::Whole(text) => text,
            Source::Part { .. } => (*text).into(),
        }
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedText {}

impl Hash for SharedText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Borrow<str> for SharedText {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, formatter)
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl Serialize for SharedText {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_equals_a_whole_text() {
        let block = Arc::new("http://a/http://b/".to_owned());
        let part = SharedText::part(&block, 9, 9);
        assert_eq!((&*part, part.clone()), ("http://b/", SharedText::from("http://b/")));
        assert_eq!(serde_json::to_string(&part).unwrap(), "\"http://b/\"");
        assert_eq!(Arc::from(part), Arc::<str>::from("http://b/"));
        assert_eq!(&*SharedText::part(&block, 9, 99), "");
    }
}
