//! Looks for siblings: other processes behind the own URL.
//!
//! Peers that meet several processes behind one URL address them as a group. A process accepts such
//! messages only while it knows of a sibling, because a recorded one could be replayed to each of
//! them. So the first such message, and every one when the knowledge grows old, starts a search.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::security::Security;
use super::transport::{HeaderText, HttpClient, Method, Request};
use crate::protocol::envelope::proof_in_list;
use crate::security::proof::Nonce;

/// Requests of one search. Each has its own connection, since load balancers alternate between
/// processes.
const TRIES: usize = 4;
/// Limit of the time for each request.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Shortest time between two searches, however many messages ask for one.
const MIN_INTERVAL: Duration = Duration::from_secs(5);

/// Searches whenever a message to the group asks for it. Never returns.
pub(super) async fn watch(client: HttpClient, security: Arc<Security>) {
    loop {
        security.sibling_wanted().await;
        search(&client, &security).await;
        sleep(MIN_INTERVAL).await;
    }
}

async fn search(client: &HttpClient, security: &Security) {
    for _ in 0..TRIES {
        let nonce = Nonce::new(rand::random());
        let request = Request {
            authorization: HeaderText::new(&nonce.to_header()).ok(),
            needs_new_connection: true,
            ..Request::to_peer(Method::Get, format!("{}clustershazbot/list", security.base_url()), TIMEOUT)
        };
        // The own URL may be unreachable from here; then no sibling is found.
        let Ok(response) = client.send(request).await else { return };
        if proof_in_list(&response.body).is_some_and(|proof| security.record_own_url(&proof, nonce)) {
            return;
        }
    }
}
