//! The secrets and URLs that requests carry.

use super::transport::{ConfiguredUrls, HeaderText};
use crate::protocol::config::Config;

/// Read from the configuration once.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) secret: Option<HeaderText>,
    pub(super) master_list: String,
    pub(super) master_list_update: String,
    pub(super) master_list_authorization: Option<HeaderText>,
    pub(super) configured_urls: ConfiguredUrls,
}

impl Credentials {
    pub(super) fn new(config: &Config) -> Self {
        // The configuration has rejected values that a header cannot hold.
        Self {
            secret: HeaderText::new(config.secret.expose()).ok(),
            master_list: config.master_list.url.clone(),
            master_list_update: config.master_list.update_url.clone(),
            master_list_authorization: HeaderText::new(config.master_list.update_authorization.expose()).ok(),
            configured_urls: ConfiguredUrls {
                base_url: config.base_url.identity().parse().ok(),
                master_lists: [&config.master_list.url, &config.master_list.update_url]
                    .into_iter()
                    .filter_map(|url| url.parse().ok())
                    .collect(),
            },
        }
    }
}
