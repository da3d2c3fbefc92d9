//! Requests and responses as bytes, for callers that have the bytes and need no objects.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

pub use super::cached_body::CachedBody;
use super::cached_body::{Draft, LIST_SEPARATOR, MESSAGE_END, elements};
use super::engine::Engine;
use crate::protocol::machine::Machine;
use crate::protocol::message::Entry;
use crate::protocol::request;
use crate::security::message::Header;

/// Servers up to which writing the body is faster than a switch to another thread.
const MAX_INLINE_SERVERS: usize = 128;

/// The maximum age of a list for callers without a secret, with more than [`MAX_INLINE_SERVERS`]
/// servers. Writing 20,000 servers takes about 10 ms, so a flood of such requests costs a tenth of
/// a core.
const PUBLIC_AGE: Duration = Duration::from_millis(100);

/// The kind of response that shows the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// The response to a gossip request.
    Gossip,
    /// A list of all servers.
    All,
    /// A list of the online servers.
    Online,
}

/// A response in parts, in their order. Responses share the entries of other servers.
#[derive(Debug)]
pub struct RenderedLists {
    /// Everything before the online entries of others, with this server's own entry if it is
    /// online.
    pub head: Vec<u8>,
    /// The entries of others.
    pub others: Arc<CachedBody>,
    /// Everything after those, with this server's own entry if it is offline.
    pub middle: Vec<u8>,
    /// Whether the offline entries of others follow.
    pub has_offline: bool,
}

impl Engine {
    /// Renders this server's lists. With many servers, that may take milliseconds.
    pub fn render(&self, kind: ResponseKind) -> RenderedLists {
        self.render_public(kind).unwrap_or_else(|| {
            let (cached, at) = (self.shared.cached_body.get(), self.shared.clock.now().tick);
            let draft = self.shared.read(|machine| (Draft::new(machine, cached, at), machine.own_entry()));
            self.render_draft(kind, draft)
        })
    }

    /// Does the same if that is fast enough for a thread on which others wait: if there are few
    /// servers, or a cached text can be used.
    pub fn render_quickly(&self, kind: ResponseKind) -> Option<RenderedLists> {
        self.render_public(kind).or_else(|| {
            let (cached, at) = (self.shared.cached_body.get(), self.shared.clock.now().tick);
            let draft = self.shared.read(|machine| {
                let is_cached = || cached.as_ref().is_some_and(|cached| cached.is_unchanged(machine));
                let is_quick = machine.other_count() <= MAX_INLINE_SERVERS || is_cached();
                is_quick.then(|| (Draft::new(machine, cached, at), machine.own_entry()))
            });
            Some(self.render_draft(kind, draft?))
        })
    }

    fn render_public(&self, kind: ResponseKind) -> Option<RenderedLists> {
        Some(RenderedLists::new(kind, self.public_text(kind)?, self.own_entry()))
    }

    fn render_draft(&self, kind: ResponseKind, (draft, own): (Draft, (Entry, bool))) -> RenderedLists {
        RenderedLists::new(kind, self.shared.cached_body.get_or_write(draft), own)
    }

    fn own_entry(&self) -> (Entry, bool) {
        self.shared.read(Machine::own_entry)
    }

    /// Renders this server's own entry alone, for callers without room for the others.
    pub fn render_own_entry(&self, kind: ResponseKind) -> Vec<u8> {
        RenderedLists::new(kind, Arc::new(CachedBody::empty()), self.own_entry()).text()
    }

    /// Returns a text that is recent enough for callers without a secret, so that a flood of them
    /// is cheap.
    fn public_text(&self, kind: ResponseKind) -> Option<Arc<CachedBody>> {
        let is_public =
            kind == ResponseKind::Online && self.shared.read(Machine::other_count) > MAX_INLINE_SERVERS;
        let oldest = self.shared.clock.now().tick.before(PUBLIC_AGE);
        if is_public { self.shared.cached_body.valid_since(oldest) } else { None }
    }
}

/// Returns the URL of the server that a gossip request names as its sender: a signed one in its
/// header, others in the body. `None` if it names none, as plain requests do, or is malformed.
pub fn sender(authorization: &str, body: &[u8]) -> Option<String> {
    match Header::read(authorization) {
        Some(header) => Some(header.sender.base_url.to_owned()),
        None => request::sender(&text_of(body)).map(|url| url.to_string()),
    }
}

/// Invalid UTF-8 is replaced as in JavaScript. The check is fast; replacing takes ten times as
/// long.
pub(super) fn text_of(body: &[u8]) -> Cow<'_, str> {
    str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

impl RenderedLists {
    fn new(kind: ResponseKind, others: Arc<CachedBody>, (entry, is_online): (Entry, bool)) -> Self {
        let own = elements(&[entry]);
        let mut head = kind.opening().to_vec();
        let has_offline = kind != ResponseKind::Online;
        let mut middle = if has_offline { LIST_SEPARATOR } else { MESSAGE_END }.to_vec();
        if is_online {
            push(&mut head, &own, others.online().is_empty());
        } else if has_offline {
            push(&mut middle, &own, others.has_no_offline());
        }
        Self { head, others, middle, has_offline }
    }

    /// Adds the proof that a gossip request asks for.
    pub fn with_proof(mut self, proof: Option<&str>) -> Self {
        if let Some(proof) = proof {
            // The head begins with the brace of the response; the proof needs no escaping.
            let field = format!(r#""v2":{{"proof":"{proof}"}},"#);
            self.head.splice(1..1, field.into_bytes());
        }
        self
    }

    /// Returns all parts as one text.
    pub fn text(&self) -> Vec<u8> {
        let offline = if self.has_offline { self.others.offline() } else { &[] };
        [&self.head, self.others.online(), &self.middle, offline].concat()
    }
}

impl ResponseKind {
    fn opening(self) -> &'static [u8] {
        match self {
            Self::Gossip => br#"{"message":"gossip","online":["#,
            Self::All | Self::Online => br#"{"online":["#,
        }
    }
}

/// Appends an entry, and a comma unless it is the last.
fn push(text: &mut Vec<u8>, entry: &[u8], is_last: bool) {
    text.extend_from_slice(entry);
    if !is_last {
        text.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::authorization::Authorization;
    use crate::driver::gossip::GossipResponse;
    use crate::driver::transport::HttpSettings;
    use crate::protocol::config::Config;
    use crate::protocol::status::Control;

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
        // The task does not run, so this server sends no requests.
        Engine::start(
            config,
            HttpSettings::from_environment(variable),
            Box::new(|_, _, _| {}),
            None,
            Arc::default(),
        )
        .0
    }

    #[track_caller]
    fn gossip(engine: &Engine, body: &str) {
        assert_eq!(
            engine.gossip_raw(Authorization::Raw, "secret", body.as_bytes()),
            Ok(GossipResponse::Lists(None))
        );
    }

    fn entry(url: &str, stamp: u64) -> String {
        format!(r#"{{"baseUrl":"{url}","monitor":false,"lastUpdate":{stamp}}}"#)
    }

    fn monitor(url: &str, stamp: u64) -> String {
        format!(r#"{{"baseUrl":"{url}","monitor":true,"lastUpdate":{stamp}}}"#)
    }

    fn rendered(engine: &Engine, kind: ResponseKind) -> String {
        String::from_utf8(engine.render(kind).text()).unwrap()
    }

    #[track_caller]
    fn assert_renders_lists(engine: &Engine) {
        let lists = engine.read(|machine| machine.lists());
        assert_eq!(rendered(engine, ResponseKind::Gossip).into_bytes(), lists.to_gossip_json(None));
        assert_eq!(rendered(engine, ResponseKind::All), serde_json::to_string(&lists).unwrap());
        let online = serde_json::to_string(&lists.online).unwrap();
        assert_eq!(rendered(engine, ResponseKind::Online), format!(r#"{{"online":{online}}}"#));
    }

    #[test]
    fn every_change_is_rendered() {
        let engine = engine();
        assert_renders_lists(&engine);
        let stamp = engine.read(|machine| machine.online_list()).online[0].last_update.0;
        let (a, b) = (entry("http://a/", stamp), monitor(r"http://B:80/\u0022", stamp));
        for body in [
            format!(r#"{{"online":[{a}]}}"#),
            format!(r#"{{"online":[{a},{b}]}}"#),
            format!(r#"{{"online":[{}]}}"#, entry("http://a/", stamp + 1)),
            format!(r#"{{"online":[{}]}}"#, monitor("http://a/", stamp + 2)),
            format!(r#"{{"online":[],"offline":[{}]}}"#, monitor("http://a/", stamp + 3)),
        ] {
            let before = rendered(&engine, ResponseKind::All);
            gossip(&engine, &body);
            assert_ne!(rendered(&engine, ResponseKind::All), before, "{body}");
            assert_renders_lists(&engine);
        }
        engine.control(Control::Drain);
        assert_renders_lists(&engine);
    }

    #[test]
    fn a_current_text_is_not_written_again() {
        let engine = engine();
        gossip(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://a/", 1)));
        let before = rendered(&engine, ResponseKind::Gossip);
        let cached = engine.render(ResponseKind::Gossip).others;
        gossip(&engine, r#"{"online":[]}"#);
        assert_ne!(rendered(&engine, ResponseKind::Gossip), before, "its own stamp has changed");
        assert!(Arc::ptr_eq(&cached, &engine.render(ResponseKind::Gossip).others));
    }

    #[test]
    fn a_public_list_may_be_cached_except_for_its_own_entry() {
        let engine = engine();
        let entries: Vec<_> = (0..=MAX_INLINE_SERVERS).map(|n| entry(&format!("http://a/{n}/"), 1)).collect();
        gossip(&engine, &format!(r#"{{"online":[{}]}}"#, entries.join(",")));
        assert!(engine.render_quickly(ResponseKind::Online).is_none());
        let before = engine.render(ResponseKind::Online);
        gossip(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://new/", 1)));
        engine.control(Control::Drain);
        let after = engine.render(ResponseKind::Online);
        // On a machine so slow that the cached text has expired, the list shows the new server.
        assert!(
            Arc::ptr_eq(&before.others, &after.others)
                || rendered(&engine, ResponseKind::Online).contains("http://new/")
        );
        assert!(!String::from_utf8(after.head).unwrap().contains("http://me/"));
        assert!(engine.render_quickly(ResponseKind::All).is_none());
        assert!(rendered(&engine, ResponseKind::All).contains("http://new/"));
    }

    #[test]
    fn a_large_text_is_rendered_quickly_while_nothing_changes() {
        let engine = engine();
        let entries: Vec<_> = (0..=MAX_INLINE_SERVERS).map(|n| entry(&format!("http://a/{n}/"), 1)).collect();
        let full = format!(r#"{{"online":[{}]}}"#, entries.join(","));
        gossip(&engine, &full);
        assert!(engine.render_quickly(ResponseKind::Gossip).is_none());
        let written = engine.render(ResponseKind::Gossip).others;
        gossip(&engine, &full);
        let quick = engine.render_quickly(ResponseKind::Gossip).unwrap().others;
        assert!(Arc::ptr_eq(&written, &quick));
        for change in [entry("http://a/0/", 2), monitor("http://a/0/", 3)] {
            gossip(&engine, &format!(r#"{{"online":[{change}]}}"#));
            assert!(engine.render_quickly(ResponseKind::Gossip).is_none(), "{change}");
            assert_renders_lists(&engine);
            assert!(engine.render_quickly(ResponseKind::Gossip).is_some(), "{change}");
        }
    }

    #[test]
    fn a_text_that_nobody_uses_is_dropped_and_written_again() {
        let engine = engine();
        gossip(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://a/", 1)));
        let written = engine.render(ResponseKind::Gossip).others;
        let (cache, now) = (&engine.shared.cached_body, engine.shared.clock.now().tick);
        assert_eq!(cache.drop_unused_since(now.before(Duration::from_secs(60))), 0);
        assert_eq!(engine.render(ResponseKind::Gossip).others.number(), written.number());
        assert_eq!(cache.drop_unused_since(now + Duration::from_secs(60)), written.size());
        assert_ne!(engine.render(ResponseKind::Gossip).others.number(), written.number());
        assert_renders_lists(&engine);
    }

    #[test]
    fn its_own_entry_alone_is_a_complete_message() {
        let engine = engine();
        gossip(&engine, &format!(r#"{{"online":[{}]}}"#, entry("http://a/", 1)));
        let text = String::from_utf8(engine.render_own_entry(ResponseKind::Gossip)).unwrap();
        assert!(text.starts_with(r#"{"message":"gossip","online":[{"baseUrl":"http://me/""#), "{text}");
        assert!(text.ends_with(r#"}],"offline":[]}"#), "{text}");
    }

    #[test]
    fn a_proof_stands_before_the_lists() {
        let render = engine().render(ResponseKind::Gossip).with_proof(Some("p"));
        let text = String::from_utf8(render.text()).unwrap();
        assert!(
            text.starts_with(r#"{"v2":{"proof":"p"},"message":"gossip","online":[{"baseUrl":"#),
            "{text}"
        );
    }

    #[test]
    fn a_malformed_message_changes_nothing() {
        let engine = engine();
        let before = rendered(&engine, ResponseKind::All);
        for body in
            [&b""[..], b"\xff", b"[]", br#"{"online":[{"baseUrl":"http://a/","lastUpdate":1}],"offline":1}"#]
        {
            assert!(engine.gossip_raw(Authorization::Raw, "secret", body).is_err());
        }
        assert_eq!(rendered(&engine, ResponseKind::All), before);
    }
}
