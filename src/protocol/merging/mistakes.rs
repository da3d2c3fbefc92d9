//! Claims that are admitted, but are probably mistakes of the one who configured their subject.

use crate::protocol::context::Context;
use crate::protocol::types::allow::Target;
use crate::protocol::types::base_url::BaseUrl;
use crate::protocol::types::base_url::address::AddressClasses;

/// Which warnings the log has already.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Mistakes {
    has_loopback: bool,
    has_http: bool,
}

impl Mistakes {
    /// Logs each kind of mistake once, with the first server that has it.
    pub(in crate::protocol) fn warn_about(&mut self, cx: &mut Context, url: &BaseUrl) {
        let (own, claimed) = (&cx.config.base_url, url.identity());
        if !self.has_http && own.identity().starts_with("https:") && claimed.starts_with("http:") {
            self.has_http = true;
            cx.warn(&format!(
                "Clustershazbot: {claimed} is not an https URL, unlike this server's: messages go there unencrypted"
            ));
        } else if !self.has_loopback && is_loopback(url) && !is_loopback(own) && !is_unspecified(own) {
            self.has_loopback = true;
            cx.warn(&format!(
                "Clustershazbot: {claimed} is a loopback address, unlike this server's: other machines cannot reach that server there"
            ));
        }
    }
}

fn is_loopback(url: &BaseUrl) -> bool {
    // Hardly any is, and most show that by their first characters, without a parser.
    let starts = ["127.", "localhost", "["];
    let host = ["http://", "https://"].into_iter().find_map(|scheme| url.identity().strip_prefix(scheme));
    host.is_some_and(|host| starts.into_iter().any(|start| host.starts_with(start)))
        && Target::of_identity(url.identity()).is_some_and(|target| target.host.is_loopback())
}

/// Whether a server names the address where it listens. Only servers of its machine reach it.
fn is_unspecified(url: &BaseUrl) -> bool {
    url.classes().without(AddressClasses::UNSPECIFIED) != url.classes()
}
