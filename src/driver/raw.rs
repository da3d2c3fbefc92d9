//! Requests and answers as bytes, without an object between: for those who hold what came over the wire.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

pub use super::cached_body::CachedBody;
use super::cached_body::{Draft, END, OFFLINE, elements};
use super::engine::Engine;
use crate::protocol::machine::Machine;
use crate::protocol::message::{Entry, Lists};
use crate::protocol::request::Request;

/// Up to so many servers, what is shown is written faster than the way to another thread takes.
const FEW: usize = 128;

/// The age of a text that a list request without a secret may still get, if there are more than [`FEW`] servers. A text of
/// 20,000 servers takes some 10 ms to write, so a flood of such requests costs a tenth of a core.
const PUBLIC_AGE: Duration = Duration::from_millis(100);

/// In which form the servers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the answer to a gossip request.
    Gossip,
    /// As a list of all.
    All,
    /// As a list of those online.
    Online,
}

/// What is shown: one part after the other. The entries of others are shared between answers.
#[derive(Debug)]
pub struct Shown {
    /// To the entries of others that are online; holds this server's own entry if it is online.
    pub head: Vec<u8>,
    /// The entries of others.
    pub others: Arc<CachedBody>,
    /// What follows those online; holds this server's own entry if it is offline.
    pub middle: Vec<u8>,
    /// Whether those offline come last.
    pub has_offline: bool,
}

impl Engine {
    /// Merges the body of a gossip request, and answers one in the native extension; none for a plain one, whose answer
    /// is what is shown afterwards.
    ///
    /// # Errors
    /// Says what the body is instead of a gossip message. Nothing of it was merged.
    pub fn gossip_raw(&self, body: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        // What is no text is read as JavaScript does; to look at everything in that way takes ten times as long.
        let text = str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
        let speaks_natively = self.shared.look(Machine::is_native);
        Ok(match Request::read(&text, speaks_natively)? {
            Request::Native(heard) => {
                let answer = self.shared.answer_native(&heard);
                Some(Lists::default().to_gossip_json(Some(&answer)))
            }
            Request::Lists(lists) => {
                self.shared.hear(lists);
                None
            }
        })
    }

    /// What this server shows. With many servers that takes milliseconds: see [`Engine::shows_quickly`].
    pub fn show(&self, form: Form) -> Shown {
        let (others, own) = match self.recent(form) {
            Some(recent) => (recent, self.shared.look(Machine::own_entry)),
            None => {
                let kept = self.shared.cached_body.get();
                let at = self.shared.clock.now().tick;
                let (draft, own) =
                    self.shared.look(|machine| (Draft::of(machine, kept, at), machine.own_entry()));
                (self.shared.cached_body.write(draft), own)
            }
        };
        Shown::new(form, others, own)
    }

    /// What this server shows where there is no room for the others: its own entry.
    pub fn show_itself(&self, form: Form) -> Vec<u8> {
        Shown::new(form, Arc::new(CachedBody::of_nobody()), self.shared.look(Machine::own_entry)).text()
    }

    /// Whether [`Engine::show`] is quick enough to be called where others wait.
    pub fn shows_quickly(&self, form: Form) -> bool {
        self.shared.look(|machine| machine.other_count() <= FEW) || self.recent(form).is_some()
    }

    /// A text that is recent enough for those who need no secret. They cannot make this server write one for each request.
    fn recent(&self, form: Form) -> Option<Arc<CachedBody>> {
        let is_public = form == Form::Online && self.shared.look(Machine::other_count) > FEW;
        let oldest = self.shared.clock.now().tick.before(PUBLIC_AGE);
        if is_public { self.shared.cached_body.since(oldest) } else { None }
    }
}

impl Shown {
    fn new(form: Form, others: Arc<CachedBody>, (entry, is_online): (Entry, bool)) -> Self {
        let own = elements(&[entry]);
        let mut head = form.opening().to_vec();
        let has_offline = form != Form::Online;
        let mut middle = if has_offline { OFFLINE } else { END }.to_vec();
        if is_online {
            push(&mut head, &own, others.online().is_empty());
        } else if has_offline {
            push(&mut middle, &own, others.has_no_offline());
        }
        Self { head, others, middle, has_offline }
    }

    /// All parts as one text.
    pub fn text(&self) -> Vec<u8> {
        let offline = if self.has_offline { self.others.offline() } else { &[] };
        [&self.head, self.others.online(), &self.middle, offline].concat()
    }
}

impl Form {
    fn opening(self) -> &'static [u8] {
        match self {
            Self::Gossip => br#"{"message":"gossip","online":["#,
            Self::All | Self::Online => br#"{"online":["#,
        }
    }
}

/// An entry, and a comma if others follow.
fn push(text: &mut Vec<u8>, entry: &[u8], is_last: bool) {
    text.extend_from_slice(entry);
    if !is_last {
        text.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::transport::HttpSettings;
    use crate::protocol::config::Config;

    fn engine() -> Engine {
        let variable = |name: &str| {
            let value = match name {
                "SHAZBOT_BASE_URL" => "http://me/",
                "SHAZBOT_MASTER_LIST" | "SHAZBOT_MASTER_LIST_UPDATE" => "http://store/",
                "SHAZBOT_SECRET" | "SHAZBOT_CONTROL_SECRET" | "SHAZBOT_MASTER_LIST_UPDATE_AUTH" => "secret",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let (config, _) = Config::from_variables(variable).unwrap();
        // Whoever does not run the task has a server that asks nobody.
        Engine::start(config, HttpSettings::from_environment(variable), Box::new(|_, _, _| {}), None).0
    }

    #[track_caller]
    fn hear(engine: &Engine, body: &str) {
        assert_eq!(engine.gossip_raw(body.as_bytes()), Ok(None));
    }

    fn entry(url: &str, stamp: u64, monitor: bool) -> String {
        format!(r#"{{"baseUrl":"{url}","monitor":{monitor},"lastUpdate":{stamp}}}"#)
    }

    fn shown(engine: &Engine, form: Form) -> String {
        String::from_utf8(engine.show(form).text()).unwrap()
    }

    #[track_caller]
    fn assert_shows_its_lists(engine: &Engine) {
        let lists = engine.look(|machine| machine.lists(true));
        assert_eq!(shown(engine, Form::Gossip).into_bytes(), lists.to_gossip_json(None));
        assert_eq!(shown(engine, Form::All), serde_json::to_string(&lists).unwrap());
        let online = serde_json::to_string(&lists.online).unwrap();
        assert_eq!(shown(engine, Form::Online), format!(r#"{{"online":{online}}}"#));
    }

    #[test]
    fn every_change_is_shown() {
        let engine = engine();
        assert_shows_its_lists(&engine);
        let stamp = engine.look(|machine| machine.lists(false)).online[0].last_update.0;
        let (a, b) = (entry("http://a/", stamp, false), entry(r"http://B:80/\u0022", stamp, true));
        for body in [
            format!(r#"{{"online":[{a}]}}"#),
            format!(r#"{{"online":[{a},{b}]}}"#),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", stamp + 1, false)),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", stamp + 2, true)),
            format!(r#"{{"online":[],"offline":[{}]}}"#, entry("http://a/", stamp + 3, true)),
        ] {
            let before = shown(&engine, Form::All);
            hear(&engine, &body);
            assert_ne!(shown(&engine, Form::All), before, "{body}");
            assert_shows_its_lists(&engine);
        }
        engine.control(false);
        assert_shows_its_lists(&engine);
    }

    #[test]
    fn what_is_still_true_is_not_written_anew() {
        let engine = engine();
        hear(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://a/", 1, false)));
        let before = shown(&engine, Form::Gossip);
        let kept = engine.shared.cached_body.get().unwrap();
        hear(&engine, r#"{"online":[]}"#);
        assert_ne!(shown(&engine, Form::Gossip), before, "the own stamp is another");
        assert!(Arc::ptr_eq(&kept, &engine.shared.cached_body.get().unwrap()));
    }

    #[test]
    fn a_list_for_outsiders_may_be_a_little_old_but_never_about_itself() {
        let engine = engine();
        let many: Vec<_> = (0..=FEW).map(|n| entry(&format!("http://a/{n}/"), 1, false)).collect();
        hear(&engine, &format!(r#"{{"online":[{}]}}"#, many.join(",")));
        assert!(!engine.shows_quickly(Form::Online));
        let before = engine.show(Form::Online);
        hear(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://new/", 1, false)));
        engine.control(false);
        let after = engine.show(Form::Online);
        // A machine that takes longer than the age of such a text to get here shows the newcomer.
        assert!(
            Arc::ptr_eq(&before.others, &after.others)
                || shown(&engine, Form::Online).contains("http://new/")
        );
        assert!(!String::from_utf8(after.head).unwrap().contains("http://me/"));
        assert!(shown(&engine, Form::All).contains("http://new/"));
        assert!(!engine.shows_quickly(Form::All));
    }

    #[test]
    fn without_room_a_message_shows_its_sender() {
        let engine = engine();
        hear(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://a/", 1, false)));
        let text = String::from_utf8(engine.show_itself(Form::Gossip)).unwrap();
        assert!(text.starts_with(r#"{"message":"gossip","online":[{"baseUrl":"http://me/""#), "{text}");
        assert!(text.ends_with(r#"}],"offline":[]}"#), "{text}");
    }

    #[test]
    fn the_native_extension_is_answered_in_kind() {
        let body = br#"{"online":[],"v2":{"me":["http://n/","alive",1,5,0],"id":"1","kind":"push"}}"#;
        let answer = engine().gossip_raw(body).unwrap().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.starts_with(r#"{"message":"gossip","online":[],"offline":[],"v2":{"me":["http://me/""#)
        );
    }

    #[test]
    fn what_is_no_message_changes_nothing() {
        let engine = engine();
        let before = shown(&engine, Form::All);
        for body in
            [&b""[..], b"\xff", b"[]", br#"{"online":[{"baseUrl":"http://a/","lastUpdate":1}],"offline":1}"#]
        {
            assert!(engine.gossip_raw(body).is_err());
        }
        assert_eq!(shown(&engine, Form::All), before);
    }
}
