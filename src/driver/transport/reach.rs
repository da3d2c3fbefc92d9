//! Where requests may go.
//!
//! What others tell of may name any address, and a redirect or a name server may lead to any. So the address is checked
//! where the connection is made: an address in a URL before each hop, those of a host name as they are resolved.

use std::{collections::BTreeSet, sync::Arc};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tokio::net::lookup_host;

use super::error::TransportError;
use crate::protocol::address::AddressClasses;

/// Which addresses requests of one kind may go to. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules {
    /// The classes of addresses that are accepted beside those at which servers are.
    accepted: AddressClasses,
    /// The host of the own base URL, where it is a name: whatever class it resolves to is accepted as well.
    own_host: Option<String>,
    /// Host names that the operator has configured: of master lists and proxies.
    trusted: BTreeSet<String>,
}

/// The URLs of this server's configuration that say what is accepted of others.
#[derive(Debug, Clone, Default)]
pub struct OwnUrls {
    /// Where this server is reached.
    pub base_url: Option<Url>,
    /// Where the master list is read and written.
    pub master_lists: Vec<Url>,
}

impl Reach {
    /// For requests to servers that others told of.
    pub(super) fn to_peers<'a>(own: &'a OwnUrls, proxies: impl Iterator<Item = &'a Url>) -> Self {
        let base_url = own.base_url.as_ref();
        Self(Arc::new(Rules {
            accepted: base_url.map(AddressClasses::of_url).unwrap_or_default().accepted_of_others(),
            own_host: base_url.and_then(Url::domain).map(str::to_owned),
            trusted: proxies.filter_map(Url::domain).map(str::to_owned).collect(),
        }))
    }

    /// For requests to the master list: its own addresses are the operator's choice, where it redirects to is not.
    pub(super) fn to_master_lists<'a>(own: &'a OwnUrls, proxies: impl Iterator<Item = &'a Url>) -> Self {
        let lists = own.master_lists.iter();
        let peers = Self::to_peers(own, proxies.chain(lists.clone()));
        let accepted = lists.map(AddressClasses::of_url).fold(peers.0.accepted, AddressClasses::and);
        Self(Arc::new(Rules {
            accepted,
            own_host: peers.0.own_host.clone(),
            trusted: peers.0.trusted.clone(),
        }))
    }

    /// Checks a URL whose host is an address; of a host name, only the port.
    pub(super) fn check(&self, url: &Url) -> Result<(), TransportError> {
        let classes = AddressClasses::of_url(url).without(self.0.accepted);
        if classes.is_empty() { Ok(()) } else { Err(TransportError::Unreachable(classes)) }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let mut found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            let classes = |accepted| {
                move |address: &std::net::SocketAddr| AddressClasses::of_ip(address.ip()).without(accepted)
            };
            let rejected = found.iter().map(classes(rules.accepted)).find(|classes| !classes.is_empty());
            if let Some(rejected) = rejected.filter(|_| !rules.trusted.contains(name.as_str())) {
                let accepted = rules.accepted.and(rules.classes_of_own_host().await);
                found.retain(|address| classes(accepted)(address).is_empty());
                if found.is_empty() {
                    return Err(TransportError::Unreachable(rejected).into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Rules {
    async fn classes_of_own_host(&self) -> AddressClasses {
        let Some(host) = &self.own_host else { return AddressClasses::default() };
        let Ok(found) = lookup_host((host.as_str(), 0)).await else { return AddressClasses::default() };
        found
            .map(|address| AddressClasses::of_ip(address.ip()))
            .fold(AddressClasses::default(), AddressClasses::and)
            .accepted_of_others()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HttpSettings, tls::client_config};
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn own(base_url: &str, master_list: &str) -> OwnUrls {
        OwnUrls { base_url: Some(url(base_url)), master_lists: vec![url(master_list)] }
    }

    fn reaches(reach: &Reach, target: &str) -> bool {
        reach.check(&url(target)).is_ok()
    }

    #[test]
    fn the_class_of_the_own_base_url_is_accepted_except_metadata_services() {
        let usual = Reach::to_peers(&own("http://10.0.0.1/", "http://store/"), [].iter());
        let linked = Reach::to_peers(&own("http://169.254.1.1/", "http://store/"), [].iter());
        for (target, by_usual, by_linked) in [
            ("http://127.0.0.1/", true, true),
            ("http://169.254.1.2/", false, true),
            ("http://169.254.169.254/", false, false),
            ("http://[fe80::1]/", false, true),
            ("http://0.0.0.0/", false, false),
            ("http://h:0/", false, false),
        ] {
            assert_eq!(
                (reaches(&usual, target), reaches(&linked, target)),
                (by_usual, by_linked),
                "{target}"
            );
        }
    }

    #[test]
    fn the_class_of_the_master_list_is_accepted_of_its_redirects_alone() {
        let own = own("http://10.0.0.1/", "http://169.254.169.254/latest/user-data");
        let lists = Reach::to_master_lists(&own, [].iter());
        assert!(reaches(&lists, "http://169.254.169.254/elsewhere"));
        assert!(!reaches(&lists, "http://0.0.0.0/"));
        assert!(!reaches(&Reach::to_peers(&own, [].iter()), "http://169.254.169.254/"));
        let named = OwnUrls { master_lists: vec![url("http://store/")], ..own };
        assert!(!reaches(&Reach::to_master_lists(&named, [].iter()), "http://169.254.169.254/"));
    }

    async fn resolve(reach: &Reach, name: &str) -> Option<TransportError> {
        let outcome = reach.resolve(name.parse().unwrap()).await;
        outcome.err().map(|error| *error.downcast::<TransportError>().unwrap())
    }

    /// getaddrinfo takes an address for a name that resolves to it.
    #[tokio::test]
    async fn names_are_checked_by_what_they_resolve_to() {
        let usual = Reach::to_peers(&own("http://10.0.0.1/", "http://store/"), [].iter());
        assert_eq!(resolve(&usual, "localhost").await, None);
        assert_eq!(resolve(&usual, "10.0.0.1").await, None);
        let rejected = AddressClasses::METADATA.and(AddressClasses::LINK_LOCAL);
        assert_eq!(resolve(&usual, "169.254.169.254").await, Some(TransportError::Unreachable(rejected)));
        let proxy = [url("http://0.0.0.0.nip/")];
        let behind = Reach::to_peers(&own("http://10.0.0.1/", "http://store/"), proxy.iter());
        assert!(behind.0.trusted.contains("0.0.0.0.nip"));
    }

    #[tokio::test]
    async fn a_request_to_such_a_name_fails_with_that_reason() {
        #[derive(Clone)]
        struct ToMetadata(Reach);
        impl Resolve for ToMetadata {
            fn resolve(&self, _: Name) -> Resolving {
                self.0.resolve("169.254.169.254".parse().unwrap())
            }
        }
        let tls = client_config(&HttpSettings::default(), &mut Vec::new()).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
        let client = client.dns_resolver(ToMetadata(Reach::default())).build().unwrap();
        let error = client.get("http://name.test/").send().await.unwrap_err();
        assert!(matches!(TransportError::from(&error), TransportError::Unreachable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn the_classes_that_the_own_name_resolves_to_are_accepted() {
        let rules = |own_host: &str| {
            Reach(Arc::new(Rules { own_host: Some(own_host.to_owned()), ..Rules::default() }))
        };
        assert_eq!(resolve(&rules("169.254.1.1"), "169.254.1.2").await, None);
        assert!(resolve(&rules("169.254.1.1"), "169.254.169.254").await.is_some());
        assert!(resolve(&rules("localhost"), "169.254.1.2").await.is_some());
    }
}
