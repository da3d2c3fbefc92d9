//! Addresses that no server of a cluster has.
//!
//! A claim costs its author nothing, and makes this server send its secret to the address that it
//! names. So addresses at which no server can be reached are rejected. So are those of the metadata
//! services of clouds, which hand out credentials to any client inside.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The metadata services of AWS, Azure, Google and others, and of AWS's containers.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(169, 254, 170, 2)];
/// The metadata service of AWS over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// The first 96 bits of an IPv4 address behind NAT64 (RFC 6052).
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The classes of unusable addresses to which an address belongs. Most addresses belong to none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressClasses(u8);

impl AddressClasses {
    /// 169.254.0.0/16 and fe80::/10.
    pub const LINK_LOCAL: Self = Self(1);
    /// 0.0.0.0/8 and `::`.
    pub const UNSPECIFIED: Self = Self(1 << 1);
    /// 224.0.0.0/4 and ff00::/8.
    pub const MULTICAST: Self = Self(1 << 2);
    /// 255.255.255.255.
    pub const BROADCAST: Self = Self(1 << 3);
    /// Port 0.
    pub const PORT_ZERO: Self = Self(1 << 4);
    /// The metadata service of a cloud.
    pub const METADATA: Self = Self(1 << 5);

    /// The classes of a URL. A host name belongs to none: its addresses are checked when a
    /// connection is made.
    pub fn of_url(url: &Url) -> Self {
        let host = match url.host() {
            Some(Host::Ipv4(address)) => Self::of_v4(address),
            Some(Host::Ipv6(address)) => Self::of_v6(address),
            _ => Self::default(),
        };
        if url.port() == Some(0) { host.and(Self::PORT_ZERO) } else { host }
    }

    /// The classes of an address.
    pub fn of_ip(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        [
            (address.is_link_local(), Self::LINK_LOCAL),
            (address.octets()[0] == 0, Self::UNSPECIFIED),
            (address.is_multicast(), Self::MULTICAST),
            (address.is_broadcast(), Self::BROADCAST),
            (METADATA_V4.contains(&address), Self::METADATA),
        ]
        .into_iter()
        .filter(|(is_member, _)| *is_member)
        .fold(Self::default(), |classes, (_, class)| classes.and(class))
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if let Some(inner) = address.to_ipv4_mapped() {
            return Self::of_v4(inner);
        }
        if address.segments().starts_with(&NAT64) {
            return Self::of_v4(Ipv4Addr::from_bits(address.to_bits() as u32));
        }
        [
            (address.is_unicast_link_local(), Self::LINK_LOCAL),
            (address.is_unspecified(), Self::UNSPECIFIED),
            (address.is_multicast(), Self::MULTICAST),
            (address == METADATA_V6, Self::METADATA),
        ]
        .into_iter()
        .filter(|(is_member, _)| *is_member)
        .fold(Self::default(), |classes, (_, class)| classes.and(class))
    }

    /// The union of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The classes that are not in `others`.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The classes that a server accepts of others if its own address has these: the same, except
    /// metadata services.
    #[must_use]
    pub fn accepted_of_others(self) -> Self {
        self.without(Self::METADATA)
    }

    /// Whether the address belongs to no class.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The most serious class alone.
    #[must_use]
    pub fn gravest(self) -> Self {
        let by_gravity = [
            Self::METADATA,
            Self::LINK_LOCAL,
            Self::UNSPECIFIED,
            Self::MULTICAST,
            Self::BROADCAST,
            Self::PORT_ZERO,
        ];
        by_gravity.into_iter().find(|class| self.contains(*class)).unwrap_or_default()
    }

    fn contains(self, class: Self) -> bool {
        self.0 & class.0 != 0
    }

    /// Why other servers may not reach a server whose own address is one of these.
    pub fn reasons(self) -> impl Iterator<Item = &'static str> {
        [
            (Self::METADATA, "it is the address of a cloud's metadata service, which servers never contact"),
            (Self::LINK_LOCAL, "link-local addresses are valid on one network segment only"),
            (Self::UNSPECIFIED, "0.0.0.0 and [::] are where a server listens, not where it is reached"),
            (Self::MULTICAST, "multicast addresses name many hosts, not one"),
            (Self::BROADCAST, "the broadcast address names all hosts, not one"),
            (Self::PORT_ZERO, "port 0 makes a server listen on any free port, and nobody can connect to it"),
        ]
        .into_iter()
        .filter(move |(class, _)| self.contains(*class))
        .map(|(_, reason)| reason)
    }
}

impl fmt::Display for AddressClasses {
    /// The most serious class.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.gravest() {
            Self::METADATA => "a cloud's metadata service",
            Self::LINK_LOCAL => "a link-local address",
            Self::UNSPECIFIED => "an unspecified address",
            Self::MULTICAST => "a multicast address",
            Self::BROADCAST => "the broadcast address",
            Self::PORT_ZERO => "port 0",
            _ => "an address that no server has",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn classes(url: &str) -> AddressClasses {
        AddressClasses::of_url(&Url::parse(url).unwrap())
    }

    #[test]
    fn every_spelling_of_an_address_has_its_classes() {
        let metadata = AddressClasses::METADATA.and(AddressClasses::LINK_LOCAL);
        for host in [
            "169.254.169.254",
            "169.254.169.254.",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "025177524776",
            "169.254.43518",
            "169.16689662",
            "%31%36%39.254.169.254",
            "１６９。254．169｡254",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[0:0:0:0:0:FFFF:A9FE:A9FE]",
            "[64:ff9b::169.254.169.254]",
        ] {
            assert_eq!(classes(&format!("http://{host}/")), metadata, "{host}");
        }
        assert_eq!(classes("http://169.254.170.2/"), metadata);
        assert_eq!(classes("http://[fd00:ec2::254]/"), AddressClasses::METADATA);
        assert_eq!(classes("http://[FD00:0EC2:0::0254]:80/"), AddressClasses::METADATA);
    }

    #[test]
    fn classes_end_where_their_networks_end() {
        for (class, hosts) in [
            (AddressClasses::LINK_LOCAL, &["169.254.0.1", "169.254.255.255", "[fe80::1]", "[febf::1]"][..]),
            (AddressClasses::UNSPECIFIED, &["0.0.0.0", "0", "0x0", "[::]", "[::ffff:0.0.0.0]", "0.1.2.3"]),
            (AddressClasses::MULTICAST, &["224.0.0.1", "239.255.255.255", "[ff02::1]"]),
            (AddressClasses::BROADCAST, &["255.255.255.255", "4294967295", "[::ffff:ffff:ffff]"]),
            (
                AddressClasses::default(),
                &[
                    "127.0.0.1",
                    "localhost",
                    "[::1]",
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "[fd00::1]",
                    "169.253.255.255",
                    "169.255.0.0",
                    "[fec0::1]",
                    "223.255.255.255",
                    "240.0.0.1",
                    "1.0.0.0",
                    "169.254.169.254.example.com",
                ],
            ),
        ] {
            for host in hosts {
                assert_eq!(classes(&format!("http://{host}:3000/")), class, "{host}");
            }
        }
    }

    #[test]
    fn port_zero_is_a_class_of_its_own() {
        assert_eq!(classes("http://h:0/"), AddressClasses::PORT_ZERO);
        assert_eq!(classes("http://h:00000/"), AddressClasses::PORT_ZERO);
        assert_eq!(classes("http://h/"), AddressClasses::default());
        let both = classes("http://0.0.0.0:0/");
        assert_eq!(both.without(AddressClasses::PORT_ZERO), AddressClasses::UNSPECIFIED);
        assert_eq!(both.reasons().count(), 2);
    }

    #[test]
    fn metadata_services_are_never_accepted() {
        let accepted = classes("http://169.254.169.254/").accepted_of_others();
        assert!(classes("http://169.254.1.1/").without(accepted).is_empty());
        assert_eq!(classes("http://169.254.170.2/").without(accepted), AddressClasses::METADATA);
    }
}
