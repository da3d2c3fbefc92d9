//! Which addresses requests may go to.
//!
//! A claim of another server may name any address, and a redirect or a DNS server may lead to any.
//! So addresses are checked where the connection is made: those in URLs before each hop, those of
//! host names when they are resolved. A connection only goes to addresses that were checked.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tokio::{net::lookup_host, task_local};

use super::error::TransportError;
use crate::protocol::{
    address::AddressClasses,
    allow::{AllowList, Allowance, Channel, Target},
};

task_local! {
    /// The permission of the request that this task runs. A resolver only gets a name, but patterns
    /// count for schemes and ports too.
    static PERMISSION: Permission;
}

/// The address classes that requests of one kind may go to. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressPolicy(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules {
    /// The classes that are accepted besides those of ordinary servers.
    accepted: AddressClasses,
    /// The host name of the server's own base URL. The classes that it resolves to are accepted
    /// too.
    own_host: Option<String>,
    /// Host names that the operator has configured, for master lists and proxies.
    trusted: BTreeSet<String>,
    allowed: Option<Allowed>,
}

/// The servers that may be contacted.
#[derive(Debug)]
struct Allowed {
    list: AllowList,
    /// The server's own base URL, which is always allowed.
    own: Option<Url>,
}

/// The addresses to which a permitted request may connect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Permission {
    /// Those of the accepted classes.
    Accepted,
    /// Of those only the ones that `SHAZBOT_ALLOW` allows for this scheme and this port.
    Allowed(Channel),
}

/// The configured URLs, whose address classes are accepted from others too.
#[derive(Debug, Clone, Default)]
pub struct ConfiguredUrls {
    /// The server's own base URL.
    pub base_url: Option<Url>,
    /// Where the master list is downloaded and uploaded.
    pub master_lists: Vec<Url>,
    /// The servers that may be contacted besides these; `None` allows all.
    pub allowed: Option<AllowList>,
}

impl AddressPolicy {
    /// The policy for servers named by others.
    pub(super) fn for_peers<'a>(
        configured: &'a ConfiguredUrls,
        proxies: impl Iterator<Item = &'a Url>,
    ) -> Self {
        let base_url = configured.base_url.as_ref();
        Self(Arc::new(Rules {
            accepted: base_url.map(AddressClasses::of_url).unwrap_or_default().accepted_of_others(),
            own_host: base_url.and_then(Url::domain).map(str::to_owned),
            trusted: proxies.filter_map(Url::domain).map(str::to_owned).collect(),
            allowed: configured
                .allowed
                .clone()
                .map(|list| Allowed { list, own: configured.base_url.clone() }),
        }))
    }

    /// The policy for the master list. The operator chose its addresses, but not its redirects.
    /// These may lead anywhere that a server may be, since a store chooses its hosts itself, and
    /// requests to it never carry the cluster's secret.
    pub(super) fn for_master_lists<'a>(
        configured: &'a ConfiguredUrls,
        proxies: impl Iterator<Item = &'a Url>,
    ) -> Self {
        let lists = configured.master_lists.iter();
        let peers = Self::for_peers(configured, proxies.chain(lists.clone()));
        let accepted = lists.map(AddressClasses::of_url).fold(peers.0.accepted, AddressClasses::and);
        Self(Arc::new(Rules {
            accepted,
            own_host: peers.0.own_host.clone(),
            trusted: peers.0.trusted.clone(),
            allowed: None,
        }))
    }

    /// Checks a URL before a request. Addresses of a host name are checked when it is resolved,
    /// within [`Permission::while_running`]; a proxy resolves names itself.
    pub(super) fn check(&self, url: &Url, is_proxied: bool) -> Result<Permission, TransportError> {
        let classes = AddressClasses::of_url(url).without(self.0.accepted);
        if !classes.is_empty() {
            return Err(TransportError::Unreachable(classes));
        }
        let Some(Allowed { list, own }) = &self.0.allowed else { return Ok(Permission::Accepted) };
        if own.as_ref().is_some_and(|own| own.origin() == url.origin()) {
            return Ok(Permission::Accepted);
        }
        let Some(target) = Target::of_url(url) else { return Err(TransportError::NotAllowed) };
        match list.judge(target) {
            Allowance::Allowed => Ok(Permission::Accepted),
            Allowance::ByAddress if !is_proxied => Ok(Permission::Allowed(target.channel)),
            Allowance::ByAddress | Allowance::Refused => Err(TransportError::NotAllowed),
        }
    }
}

impl Permission {
    /// Runs a request with this permission.
    pub(super) async fn while_running<T>(self, request: impl Future<Output = T>) -> T {
        PERMISSION.scope(self, request).await
    }
}

impl Resolve for AddressPolicy {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        // Read here: the request's task makes this call, but may leave the rest to another one.
        let permission = PERMISSION.try_with(|permission| *permission).ok();
        Box::pin(async move {
            let mut addresses: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            addresses.retain(|address| rules.allow(address.ip(), permission));
            if addresses.is_empty() && rules.allowed.is_some() {
                return Err(TransportError::NotAllowed.into());
            }
            let classes =
                |accepted| move |address: &SocketAddr| AddressClasses::of_ip(address.ip()).without(accepted);
            let rejected = addresses.iter().map(classes(rules.accepted)).find(|classes| !classes.is_empty());
            if let Some(rejected) = rejected.filter(|_| !rules.trusted.contains(name.as_str())) {
                let accepted = rules.accepted.and(rules.classes_of_own_host().await);
                addresses.retain(|address| classes(accepted)(address).is_empty());
                if addresses.is_empty() {
                    return Err(TransportError::Unreachable(rejected).into());
                }
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Rules {
    /// Whether a connection with this permission may go to this address, whatever its class.
    /// Without a permission nobody has checked the URL.
    fn allow(&self, address: IpAddr, permission: Option<Permission>) -> bool {
        let Some(Allowed { list, .. }) = &self.allowed else { return true };
        match permission {
            Some(Permission::Accepted) => true,
            Some(Permission::Allowed(channel)) => list.allows_address(address, channel),
            None => false,
        }
    }

    async fn classes_of_own_host(&self) -> AddressClasses {
        let Some(host) = &self.own_host else { return AddressClasses::default() };
        let Ok(addresses) = lookup_host((host.as_str(), 0)).await else { return AddressClasses::default() };
        addresses
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

    fn configured(base_url: &str, master_list: &str) -> ConfiguredUrls {
        let (base_url, master_lists) = (Some(url(base_url)), vec![url(master_list)]);
        ConfiguredUrls { base_url, master_lists, allowed: None }
    }

    fn allows(address_policy: &AddressPolicy, target: &str) -> bool {
        address_policy.check(&url(target), false).is_ok()
    }

    #[test]
    fn the_class_of_its_own_base_url_is_accepted_except_metadata_services() {
        let private = AddressPolicy::for_peers(&configured("http://10.0.0.1/", "http://store/"), [].iter());
        let link_local =
            AddressPolicy::for_peers(&configured("http://169.254.1.1/", "http://store/"), [].iter());
        for (target, by_usual, by_linked) in [
            ("http://127.0.0.1/", true, true),
            ("http://169.254.1.2/", false, true),
            ("http://169.254.169.254/", false, false),
            ("http://[fe80::1]/", false, true),
            ("http://0.0.0.0/", false, false),
            ("http://h:0/", false, false),
        ] {
            assert_eq!(
                (allows(&private, target), allows(&link_local, target)),
                (by_usual, by_linked),
                "{target}"
            );
        }
    }

    #[test]
    fn the_master_lists_class_is_accepted_for_its_redirects_only() {
        let configured = configured("http://10.0.0.1/", "http://169.254.169.254/latest/user-data");
        let lists = AddressPolicy::for_master_lists(&configured, [].iter());
        assert!(allows(&lists, "http://169.254.169.254/elsewhere"));
        assert!(!allows(&lists, "http://0.0.0.0/"));
        assert!(!allows(&AddressPolicy::for_peers(&configured, [].iter()), "http://169.254.169.254/"));
        let named = ConfiguredUrls { master_lists: vec![url("http://store/")], ..configured };
        assert!(!allows(&AddressPolicy::for_master_lists(&named, [].iter()), "http://169.254.169.254/"));
    }

    async fn resolve(address_policy: &AddressPolicy, name: &str) -> Option<TransportError> {
        let outcome = address_policy.resolve(name.parse().unwrap()).await;
        outcome.err().map(|error| *error.downcast::<TransportError>().unwrap())
    }

    /// getaddrinfo treats an address as a name that resolves to itself.
    #[tokio::test]
    async fn names_are_checked_by_their_addresses() {
        let private = AddressPolicy::for_peers(&configured("http://10.0.0.1/", "http://store/"), [].iter());
        assert_eq!(resolve(&private, "localhost").await, None);
        assert_eq!(resolve(&private, "10.0.0.1").await, None);
        let rejected = AddressClasses::METADATA.and(AddressClasses::LINK_LOCAL);
        assert_eq!(resolve(&private, "169.254.169.254").await, Some(TransportError::Unreachable(rejected)));
        let proxy = [url("http://0.0.0.0.nip/")];
        let through_proxy =
            AddressPolicy::for_peers(&configured("http://10.0.0.1/", "http://store/"), proxy.iter());
        assert!(through_proxy.0.trusted.contains("0.0.0.0.nip"));
    }

    #[tokio::test]
    async fn a_name_is_resolved_with_a_permission_only() {
        let allowed = Some(AllowList::parse("127.0.0.0/8:1 [::1]:1 10.0.0.0/8").unwrap());
        let policy = AddressPolicy::for_peers(&ConfiguredUrls { allowed, ..Default::default() }, [].iter());
        assert_eq!(resolve(&policy, "localhost").await, Some(TransportError::NotAllowed));
        for (target, error) in
            [("http://localhost:1/", None), ("http://localhost:2/", Some(TransportError::NotAllowed))]
        {
            let permission = policy.check(&url(target), false).unwrap();
            assert_eq!(permission.while_running(resolve(&policy, "localhost")).await, error, "{target}");
        }
    }

    #[tokio::test]
    async fn a_request_to_a_rejected_name_fails_with_the_reason() {
        #[derive(Clone)]
        struct ToMetadata(AddressPolicy);
        impl Resolve for ToMetadata {
            fn resolve(&self, _: Name) -> Resolving {
                self.0.resolve("169.254.169.254".parse().unwrap())
            }
        }
        let tls = client_config(&HttpSettings::default(), &mut Vec::new()).unwrap();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
        let client = client.dns_resolver(ToMetadata(AddressPolicy::default())).build().unwrap();
        let error = client.get("http://name.test/").send().await.unwrap_err();
        assert!(matches!(TransportError::from(&error), TransportError::Unreachable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn the_classes_of_its_own_host_name_are_accepted() {
        let rules = |own_host: &str| {
            AddressPolicy(Arc::new(Rules { own_host: Some(own_host.to_owned()), ..Rules::default() }))
        };
        assert_eq!(resolve(&rules("169.254.1.1"), "169.254.1.2").await, None);
        assert!(resolve(&rules("169.254.1.1"), "169.254.169.254").await.is_some());
        assert!(resolve(&rules("localhost"), "169.254.1.2").await.is_some());
    }
}
