//! The master list as this server would have it: revised so that nobody's claim is lost.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::machine::Machine;
use crate::protocol::merging::intake::{Subject, check_stamp};
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::document::{Document, DocumentEntry, Row};
use crate::protocol::wire::message::{Entry, ReceivedEntry};

/// The own entry is written anew when the one on the list is older.
const OWN_ENTRY_RENEWED: Duration = Duration::from_secs(60 * 60);

/// What becomes of a row.
enum Judgement {
    Me,
    Known(Arc<str>, Entry),
    Verbatim,
    Drop,
}

impl Machine {
    /// The list as it should be; none where that would change nothing worth an upload.
    pub(in crate::protocol) fn revise(&self, document: &Document, now: Now) -> Option<Vec<DocumentEntry>> {
        let mut entries = Vec::with_capacity(document.rows.len() + 1);
        let mut listed: IndexSet<Arc<str>, FixedState> = IndexSet::default();
        let mut is_changed = false;
        let mut has_me = false;
        // A stamp that nobody takes in would keep joiners from the server.
        let known = |entry: Entry| {
            DocumentEntry::Known(Entry { last_update: entry.last_update.clamped(now), ..entry })
        };
        for Row { raw, heard } in &document.rows {
            let judgement = heard.as_ref().map_or(Judgement::Verbatim, |heard| self.judge(heard, now));
            match (judgement, heard) {
                (Judgement::Me, Some(heard)) if self.members.me.is_online() && !has_me => {
                    has_me = true;
                    is_changed |= heard.monitor != self.members.me.is_monitor();
                    is_changed |=
                        stamp_of(heard).age(self.members.me.stamp().clamped(now)) >= OWN_ENTRY_RENEWED;
                    is_changed |= check_stamp(heard.last_update, now).is_err();
                    entries.push(known(self.members.me.entry()));
                }
                (Judgement::Known(identity, entry), Some(heard)) if listed.insert(Arc::clone(&identity)) => {
                    is_changed |=
                        heard.monitor != entry.monitor || check_stamp(heard.last_update, now).is_err();
                    entries.push(known(entry));
                }
                (Judgement::Verbatim, _) => entries.push(DocumentEntry::Verbatim(raw.clone())),
                _ => is_changed = true,
            }
        }
        if self.members.me.is_online() && !has_me {
            is_changed = true;
            entries.push(known(self.members.me.entry()));
        }
        for (identity, member) in
            self.members.roster.iter().filter(|(id, member)| member.is_online() && !listed.contains(*id))
        {
            is_changed = true;
            entries.push(known(member.entry(identity)));
        }
        is_changed.then_some(entries)
    }

    /// Whether a list names anybody but this server.
    pub(in crate::protocol) fn names_others(&self, document: &Document) -> bool {
        let is_other = |heard: &ReceivedEntry<'_>| {
            matches!(self.identify(&heard.base_url), Ok(Subject::Known(_) | Subject::New(_)))
        };
        document.rows.iter().filter_map(|row| row.heard.as_ref()).any(is_other)
    }

    fn judge(&self, heard: &ReceivedEntry<'_>, now: Now) -> Judgement {
        let stamp = stamp_of(heard);
        match self.identify(&heard.base_url) {
            Ok(Subject::Me) => Judgement::Me,
            Ok(Subject::Known(identity)) => match self.members.roster.get(&identity) {
                Some(member) if member.is_online() => {
                    let entry = member.entry(&identity);
                    Judgement::Known(identity, entry)
                }
                Some(member) if member.has_comeback() => Judgement::Verbatim,
                _ => Judgement::Drop,
            },
            Ok(Subject::New(url)) => match self.members.archive.stamp_of(url.identity(), now) {
                Some(archived) if stamp <= archived => Judgement::Drop,
                _ => Judgement::Verbatim,
            },
            Err(_) => Judgement::Verbatim,
        }
    }
}

fn stamp_of(heard: &ReceivedEntry<'_>) -> Stamp {
    Stamp(heard.last_update.max(0.0) as u64)
}
