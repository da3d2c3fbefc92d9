//! The news that are kept, with their URLs one after the other.
//!
//! A thousand small allocations would scatter over the memory of the process, which keeps a page
//! for as long as one of them is in use.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::protocol::types::limits::room_to_keep;

/// Bytes by which the room for URLs grows.
const STEP: usize = 4 * 1024;

/// News in order, each a URL and facts. The oldest are dropped first.
#[derive(Debug)]
pub(super) struct KeptNews<T> {
    latest: VecDeque<Kept<T>>,
    urls: VecDeque<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Kept<T> {
    facts: T,
    url_bytes: u16,
}

impl<T> Default for KeptNews<T> {
    fn default() -> Self {
        Self { latest: VecDeque::new(), urls: VecDeque::new() }
    }
}

impl<T: Copy> KeptNews<T> {
    pub(super) fn len(&self) -> usize {
        self.latest.len()
    }

    /// Adds news about a server. Its URL has at most a few times `MAX_BASE_URL_BYTES`.
    pub(super) fn push(&mut self, base_url: &str, facts: T) {
        let url_bytes = u16::try_from(base_url.len()).unwrap_or(u16::MAX);
        let url = base_url.as_bytes().iter().take(url_bytes.into());
        if self.urls.capacity() - self.urls.len() < url.len() {
            self.urls.reserve_exact(STEP.max(url.len()));
        }
        self.urls.extend(url);
        self.latest.push_back(Kept { facts, url_bytes });
    }

    pub(super) fn drop_oldest(&mut self) {
        if let Some(Kept { url_bytes, .. }) = self.latest.pop_front() {
            self.urls.drain(..usize::from(url_bytes).min(self.urls.len()));
        }
        if let Some(room) = room_to_keep(self.urls.len(), self.urls.capacity()) {
            self.urls.shrink_to(room);
        }
    }

    /// The latest news, this many.
    pub(super) fn latest(&self, amount: usize) -> Vec<(Arc<str>, T)> {
        let mut news = Vec::with_capacity(amount);
        let mut start = 0;
        for (index, Kept { facts, url_bytes }) in self.latest.iter().enumerate() {
            let end = start + usize::from(*url_bytes);
            if index + amount >= self.len() {
                let url: Vec<u8> = self.urls.range(start..end).copied().collect();
                news.push((String::from_utf8(url).unwrap_or_default().into(), *facts));
            }
            start = end;
        }
        news
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.latest.capacity() * size_of::<Kept<T>>() + self.urls.capacity()
    }
}
