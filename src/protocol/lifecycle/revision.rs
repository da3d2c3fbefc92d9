//! Revises the master list for an upload. No valid claim of another server is lost.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;

use crate::protocol::context::Context;
use crate::protocol::context::config::LegacyPolicy;
use crate::protocol::members::Members;
use crate::protocol::members::member::Member;
use crate::protocol::merging::intake::{self, Subject, check_stamp};
use crate::protocol::types::time::{Now, Stamp};
use crate::protocol::wire::document::{Document, DocumentEntry, Row};
use crate::protocol::wire::message::{Entry, ReceivedEntry};

/// Age from which a server renews its own entry on the list.
const OWN_ENTRY_RENEWAL_AGE: Duration = Duration::from_secs(60 * 60);

/// The fate of a row of the list.
enum Judgement {
    LocalServer,
    Known(Arc<str>, Entry),
    Verbatim,
    Drop,
}

/// Returns the revised list; `None` if no difference is worth an upload.
pub(in crate::protocol) fn revise(
    members: &Members,
    cx: &Context,
    document: &Document,
    now: Now,
) -> Option<Vec<DocumentEntry>> {
    let mut entries = Vec::with_capacity(document.rows.len() + 1);
    let mut listed: IndexSet<Arc<str>, FixedState> = IndexSet::default();
    let mut is_changed = false;
    let mut has_local_server = false;
    // If all servers reject its stamp, joiners cannot find the server.
    let known =
        |entry: Entry| DocumentEntry::Known(Entry { last_update: entry.last_update.clamped(now), ..entry });
    for Row { raw, entry: old } in &document.rows {
        let judgement = old.as_ref().map_or(Judgement::Verbatim, |old| judge(members, cx, old, now));
        match (judgement, old) {
            (Judgement::LocalServer, Some(old)) if members.local.is_online() && !has_local_server => {
                has_local_server = true;
                is_changed |= old.monitor != members.local.is_monitor();
                is_changed |= stamp_of(old).age(members.local.stamp().clamped(now)) >= OWN_ENTRY_RENEWAL_AGE;
                is_changed |= check_stamp(old.last_update, now).is_err();
                entries.push(known(members.local.entry()));
            }
            (Judgement::Known(identity, entry), Some(old)) if listed.insert(Arc::clone(&identity)) => {
                is_changed |= old.monitor != entry.monitor || check_stamp(old.last_update, now).is_err();
                entries.push(known(entry));
            }
            (Judgement::Verbatim, _) => entries.push(DocumentEntry::Verbatim(raw.clone())),
            _ => is_changed = true,
        }
    }
    if members.local.is_online() && !has_local_server {
        is_changed = true;
        entries.push(known(members.local.entry()));
    }
    // The raw secret may be sent to all that the list names, so hearsay must not get onto it.
    let may_be_added = |member: &Member| {
        member.is_online() && (cx.config.legacy == LegacyPolicy::Allow || member.has_exchanged())
    };
    for (identity, member) in
        members.roster.iter().filter(|(id, member)| may_be_added(member) && !listed.contains(*id))
    {
        is_changed = true;
        entries.push(known(member.entry(identity)));
    }
    is_changed.then_some(entries)
}

/// Whether a list names any server other than this one.
pub(in crate::protocol) fn names_others(members: &Members, cx: &Context, document: &Document) -> bool {
    let is_other = |old: &ReceivedEntry<'_>| {
        matches!(intake::identify(members, cx, &old.base_url), Ok(Subject::Known(_) | Subject::New(_)))
    };
    document.rows.iter().filter_map(|row| row.entry.as_ref()).any(is_other)
}

fn judge(members: &Members, cx: &Context, old: &ReceivedEntry<'_>, now: Now) -> Judgement {
    let stamp = stamp_of(old);
    match intake::identify(members, cx, &old.base_url) {
        Ok(Subject::LocalServer) => Judgement::LocalServer,
        Ok(Subject::Known(known)) => match members.roster.at(known.slot()) {
            Some((_, member)) if member.is_online() => {
                let identity = known.into_identity();
                let entry = member.entry(Arc::clone(&identity));
                Judgement::Known(identity, entry)
            }
            Some((_, member)) if member.has_comeback() => Judgement::Verbatim,
            _ => Judgement::Drop,
        },
        Ok(Subject::New(url)) => match members.archive.stamp_of(url.identity(), now) {
            Some(archived) if stamp <= archived => Judgement::Drop,
            _ => Judgement::Verbatim,
        },
        Err(_) => Judgement::Verbatim,
    }
}

fn stamp_of(old: &ReceivedEntry<'_>) -> Stamp {
    Stamp(old.last_update.max(0.0) as u64)
}
