//! Requests and answers as bytes, without an object between: for those who hold what came over the wire.

use std::borrow::Cow;
use std::sync::Arc;

use super::engine::Engine;
pub use super::written::Written;
use super::written::{Draft, END, OFFLINE, elements};
use crate::protocol::machine::Machine;
use crate::protocol::message::Lists;
use crate::protocol::request::Request;

/// Up to so many servers, what is shown is written faster than the way to another thread takes.
const FEW: usize = 128;

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

/// What is shown: the one after the other.
#[derive(Debug)]
pub struct Shown {
    /// To the own entry, which is another each time.
    pub head: Vec<u8>,
    /// What follows.
    pub tail: Tail,
}

/// What follows the head.
#[derive(Debug)]
pub enum Tail {
    /// The same as long as nothing changes.
    Shared(Arc<Written>),
    /// Of this answer only.
    Own(Vec<u8>),
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

    /// What this server shows. Where there is much, that takes its time: see [`Engine::shows_few`].
    pub fn show(&self, form: Form) -> Shown {
        let kept = self.shared.written.get();
        let (draft, (entry, is_online)) =
            self.shared.look(|machine| (Draft::of(machine, kept), machine.own_entry()));
        let others = self.shared.written.write(draft);
        let own = elements(&[entry]);
        let mut head = Vec::with_capacity(form.opening().len() + own.len() + 1);
        head.extend_from_slice(form.opening());
        if is_online {
            push(&mut head, &own, others.online());
        }
        if is_online && form != Form::Online {
            return Shown { head, tail: Tail::Shared(others) };
        }
        let mut tail = others.online().to_vec();
        if form != Form::Online {
            tail.extend_from_slice(OFFLINE);
            push(&mut tail, &own, others.offline());
            tail.extend_from_slice(others.offline());
        }
        tail.extend_from_slice(END);
        Shown { head, tail: Tail::Own(tail) }
    }

    /// Whether [`Engine::show`] is quick enough to be called where others wait.
    pub fn shows_few(&self) -> bool {
        self.shared.look(|machine| machine.other_count() <= FEW)
    }
}

impl Tail {
    /// The text from the own entry to the end.
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Shared(written) => written.text(),
            Self::Own(text) => text,
        }
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
fn push(text: &mut Vec<u8>, entry: &[u8], others: &[u8]) {
    text.extend_from_slice(entry);
    if !others.is_empty() {
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
        let Shown { mut head, tail } = engine.show(form);
        head.extend_from_slice(tail.text());
        String::from_utf8(head).unwrap()
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
        let kept = engine.shared.written.get().unwrap();
        hear(&engine, r#"{"online":[]}"#);
        assert_ne!(shown(&engine, Form::Gossip), before, "the own stamp is another");
        assert!(Arc::ptr_eq(&kept, &engine.shared.written.get().unwrap()));
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
