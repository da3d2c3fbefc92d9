//! The secrets and URLs that requests carry.

use std::sync::Arc;

use tokio::sync::watch;

use super::transport::{ConfiguredUrls, HeaderText};
use crate::protocol::config::{Config, SecretSet};
use crate::protocol::secret::Secret;

/// The URLs are read from the configuration once; the secrets may change.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) secrets: watch::Receiver<Arc<SecretSet>>,
    pub(super) master_list: String,
    pub(super) master_list_update: String,
    pub(super) configured_urls: ConfiguredUrls,
}

impl Credentials {
    pub(super) fn new(config: &Config, secrets: watch::Receiver<Arc<SecretSet>>) -> Self {
        Self {
            secrets,
            master_list: config.master_list.url.clone(),
            master_list_update: config.master_list.update_url.clone(),
            configured_urls: ConfiguredUrls {
                base_url: config.base_url.identity().parse().ok(),
                master_lists: [&config.master_list.url, &config.master_list.update_url]
                    .into_iter()
                    .filter_map(|url| url.parse().ok())
                    .collect(),
                allowed: config.allowed.clone(),
            },
        }
    }

    /// The `Authorization` header of gossip.
    pub(super) fn gossip(&self) -> Option<HeaderText> {
        header(self.secrets.borrow().gossip.current())
    }

    /// The `Authorization` header of uploads.
    pub(super) fn update_authorization(&self) -> Option<HeaderText> {
        header(&self.secrets.borrow().update_authorization)
    }
}

/// Returns the header with this secret. The configuration has rejected values that no header can
/// hold.
pub(super) fn header(secret: &Secret) -> Option<HeaderText> {
    HeaderText::new(secret.expose()).ok()
}
