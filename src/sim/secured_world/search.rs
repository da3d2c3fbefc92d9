//! The search for siblings, as in `src/driver/sibling_search.rs`.

use std::sync::Arc;

use crate::protocol::envelope::proof_in_list;
use crate::security::message::Route;
use crate::security::proof::Nonce;
use crate::sim::clock::Millis;
use crate::sim::http::HttpRequest;
use crate::sim::secured::task::Task;
use crate::sim::wire::{Content, Outcome, ProcessId, RequestId};
use crate::sim::world::World;

/// Requests of one search.
const TRIES: u8 = 4;
/// Limit of the time for each request.
const TIMEOUT: Millis = 1_000;
/// Shortest time between two searches.
const MIN_INTERVAL: Millis = 5_000;

impl World {
    /// Starts a search, unless one runs or has just ended.
    pub(super) fn search_sibling(&mut self, process: ProcessId) {
        let time = self.time;
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(security) = secured.nodes.get_mut(&process).and_then(|node| node.security.as_mut()) else {
            return;
        };
        let is_too_early = security.searched_at.is_some_and(|at| time < at + MIN_INTERVAL);
        if !security.is_searching && !is_too_early {
            security.is_searching = true;
            self.ask_own_url(process, TRIES);
        }
    }

    pub(super) fn continue_search(&mut self, process: ProcessId, nonce: Nonce, tries: u8, outcome: &Outcome) {
        let (time, now) = (self.time, self.now(process));
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let Some(security) = secured.nodes.get_mut(&process).and_then(|node| node.security.as_mut()) else {
            return;
        };
        let proof = match outcome {
            Outcome::Http(response) => proof_in_list(&response.body),
            _ => None,
        };
        let is_found = proof
            .as_ref()
            .is_some_and(|proof| security.receiver.record_own_url(&security.keyring, proof, nonce, now.tick));
        let base_url = security.sessions.party().base_url;
        if let (true, Some(proof)) = (is_found, &proof)
            && !secured.ledger.is_genuine(proof, nonce, base_url)
        {
            secured.ledger.report(time, "GenuineProof", format!("{base_url} meets {proof}"));
        }
        if is_found || tries <= 1 || !matches!(outcome, Outcome::Http(_)) {
            security.is_searching = false;
            security.searched_at = Some(time);
        } else {
            self.ask_own_url(process, tries - 1);
        }
    }

    fn ask_own_url(&mut self, process: ProcessId, tries: u8) {
        let Some(secured) = self.secured.as_deref_mut() else { return };
        let (nonce, number) = (secured.nonce(), secured.next_task());
        let Some(host) = self.processes.get(process.index()).map(|process| process.host) else { return };
        let Some(base_url) = self.hosts.get(host.index()).map(|host| Arc::clone(&host.url)) else { return };
        secured.tasks.insert(number, Task::Search { process, nonce, tries });
        let authorization = Some(nonce.to_header());
        let request = HttpRequest { route: Route::List, authorization, body: Vec::new() };
        let content = Content::Http(Arc::new(request));
        self.send(process, RequestId::Task(number), &base_url, content, TIMEOUT);
    }
}
