//! The dialects of FRR's versions: which daemon keeps which line, and what it does not print.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::document::{Document, Line};
use crate::normal;
use crate::text::Text;

/// A version of FRR, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 8 of 8.4.4.
    pub major: u16,
    /// 4 of 8.4.4.
    pub minor: u16,
}

impl Version {
    /// The version that a configuration says it was printed by (`frr version 10.3`).
    pub fn of(text: &str) -> Option<Self> {
        let line = text.lines().take(20).find_map(|line| line.strip_prefix("frr version "))?;
        line.parse().ok()
    }

    /// Whether mgmtd keeps what zebra kept before.
    fn has_mgmtd(self) -> bool {
        self.major >= 10
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that names no version of FRR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of FRR such as 8.4 or 10.3")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let refused = || VersionError(text.chars().take(40).collect());
        let number = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().map_err(|_| refused())
        };
        let (major, rest) = text.split_once('.').ok_or_else(refused)?;
        Ok(Self { major: number(major)?, minor: number(rest)? })
    }
}

/// A daemon of FRR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Daemon {
    /// Routes into the kernel; VRFs and next hop tracking up to FRR 9.
    Zebra,
    /// The configuration of what was zebra's, from FRR 10 on.
    Mgmtd,
    /// BGP, prefix lists, route maps.
    Bgpd,
    /// BFD.
    Bfdd,
    /// Static routes, up to FRR 9. Nothing of ours but what raw snippets say.
    Staticd,
}

impl Daemon {
    /// The name of its program and its socket.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zebra => "zebra",
            Self::Mgmtd => "mgmtd",
            Self::Bgpd => "bgpd",
            Self::Bfdd => "bfdd",
            Self::Staticd => "staticd",
        }
    }
}

/// How one version of FRR keeps and prints its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    version: Version,
}

impl Dialect {
    /// The dialect of a version.
    pub const fn new(version: Version) -> Self {
        Self { version }
    }

    /// The version.
    pub fn version(self) -> Version {
        self.version
    }

    /// The daemons that keep configuration of ours, in the order in which they are configured.
    pub fn daemons(self) -> &'static [Daemon] {
        if self.version.has_mgmtd() {
            &[Daemon::Mgmtd, Daemon::Zebra, Daemon::Bfdd, Daemon::Bgpd]
        } else {
            &[Daemon::Zebra, Daemon::Bfdd, Daemon::Bgpd]
        }
    }

    /// The same, with staticd before them where it is among these: not every node runs it.
    pub fn daemons_and<'a>(self, mut wanted: impl Iterator<Item = &'a Daemon>) -> Vec<Daemon> {
        let staticd = wanted.any(|daemon| *daemon == Daemon::Staticd).then_some(Daemon::Staticd);
        staticd.into_iter().chain(self.daemons().iter().copied()).collect()
    }

    /// All daemons that may keep something of ours.
    pub fn all_daemons(self) -> Vec<Daemon> {
        let staticd = (!self.version.has_mgmtd()).then_some(Daemon::Staticd);
        self.daemons_and(staticd.iter())
    }

    /// The daemons that keep a line of the top level, with all that is in it; none where it is not known.
    pub fn homes(self, line: &str) -> &'static [Daemon] {
        let base: &[Daemon] = if self.version.has_mgmtd() { &[Daemon::Mgmtd] } else { &[Daemon::Zebra] };
        let routes: &[Daemon] = if self.version.has_mgmtd() { &[Daemon::Mgmtd] } else { &[Daemon::Staticd] };
        let everywhere = self.daemons();
        let homes: &[(&str, &'static [Daemon])] = &[
            ("router bgp ", &[Daemon::Bgpd]),
            ("ip prefix-list ", &[Daemon::Bgpd]),
            ("ipv6 prefix-list ", &[Daemon::Bgpd]),
            ("route-map ", &[Daemon::Bgpd]),
            ("ip community-list ", &[Daemon::Bgpd]),
            ("bgp ", &[Daemon::Bgpd]),
            ("debug bgp ", &[Daemon::Bgpd]),
            ("bfd", &[Daemon::Bfdd]),
            ("debug bfd ", &[Daemon::Bfdd]),
            ("debug zebra ", &[Daemon::Zebra]),
            ("vrf ", base),
            ("ip nht ", base),
            ("ipv6 nht ", base),
            ("interface ", base),
            ("ip router-id ", base),
            ("ipv6 router-id ", base),
            ("ip protocol ", base),
            ("ipv6 protocol ", base),
            ("ip route ", routes),
            ("ipv6 route ", routes),
            ("access-list ", &[Daemon::Bgpd]),
            ("ipv6 access-list ", &[Daemon::Bgpd]),
            ("hostname ", everywhere),
            ("log ", everywhere),
        ];
        let home = homes.iter().find(|(start, _)| line.starts_with(start));
        home.map_or(&[], |(_, daemons)| daemons)
    }

    /// What a daemon printed of what it keeps itself. From FRR 10 on zebra prints what mgmtd gives it as well, and takes none
    /// of it (measured on 10.3).
    pub fn read_from(self, daemon: Daemon, text: &str) -> Document {
        let document = self.read(&Text::parse(text));
        match daemon {
            Daemon::Staticd => self.by_daemon(&document).remove(&daemon).unwrap_or_default(),
            Daemon::Zebra if self.version.has_mgmtd() => {
                let keeps = |line: &Line| self.homes(line.text()).contains(&daemon);
                document.reduced(|line| keeps(&line).then_some(line))
            }
            _ => document,
        }
    }

    /// What a daemon, vtysh or a person wrote, in normal form, less what this version does not print.
    pub fn read(self, text: &Text) -> Document {
        self.as_printed(normal::document(text))
    }

    /// A document as this version prints it back: without the lines that it keeps to itself.
    pub fn as_printed(self, document: Document) -> Document {
        document.reduced(|line| self.printed(line))
    }

    fn printed(self, line: Line) -> Option<Line> {
        if self.version.has_mgmtd() && is_nht_default(line.text()) {
            return None;
        }
        if line.text().starts_with("router bgp ") {
            return Some(normal::without_derived_targets(line));
        }
        Some(line)
    }

    /// A line of the top level without the static routes of a VRF, which another daemon keeps up to FRR 9; and those.
    fn without_routes(self, line: Line) -> (Option<Line>, Option<Line>) {
        let has_routes = line.text().starts_with("vrf ") && line.inside().iter().any(is_route);
        if !has_routes || self.version.has_mgmtd() {
            return (Some(line), None);
        }
        let routes = line.clone().map_inside(|inside| is_route(&inside).then_some(inside));
        let rest = line.map_inside(|inside| (!is_route(&inside)).then_some(inside));
        ((!rest.inside().is_empty()).then_some(rest), Some(routes))
    }

    /// The parts of a document by the daemons that keep them, each as it prints it. Lines without a known home
    /// are left out.
    pub fn by_daemon(self, document: &Document) -> BTreeMap<Daemon, Document> {
        let mut parts: BTreeMap<Daemon, Vec<Line>> = BTreeMap::new();
        for line in document.lines() {
            let (line, routes) = self.without_routes(line.clone());
            if let Some(routes) = routes {
                parts.entry(Daemon::Staticd).or_default().push(routes);
            }
            if let Some(line) = line {
                for &daemon in self.homes(line.text()) {
                    parts.entry(daemon).or_default().push(line.clone());
                }
            }
        }
        let parts = parts.into_iter();
        parts.map(|(daemon, lines)| (daemon, self.as_printed(Document::of_ordered(lines)))).collect()
    }
}

fn is_route(line: &Line) -> bool {
    ["ip route ", "ipv6 route "].iter().any(|start| line.text().starts_with(start))
}

fn is_nht_default(line: &str) -> bool {
    matches!(line, "ip nht resolve-via-default" | "ipv6 nht resolve-via-default")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_routes_have_a_daemon_of_their_own_up_to_frr_9() {
        let text = "ip route 10.0.0.0/8 Null0\nvrf red\n ip route 10.0.0.0/8 Null0\n vni 7\nexit-vrf\n";
        let parts = |major| {
            let dialect = Dialect::new(Version { major, minor: 4 });
            dialect.by_daemon(&dialect.read(&Text::parse(text)))
        };
        let old = parts(8);
        assert_eq!(old[&Daemon::Zebra].print(), "vrf red\n vni 7\nexit-vrf\n");
        assert_eq!(
            old[&Daemon::Staticd].print(),
            "ip route 10.0.0.0/8 Null0\nvrf red\n ip route 10.0.0.0/8 Null0\nexit-vrf\n"
        );
        assert_eq!(parts(10).keys().collect::<Vec<_>>(), [&Daemon::Mgmtd]);
        let dialect = Dialect::new(Version { major: 8, minor: 4 });
        assert_eq!(dialect.read_from(Daemon::Staticd, text), old[&Daemon::Staticd]);
    }

    #[test]
    fn versions_are_read_with_what_distributions_append() {
        let read = |text: &str| text.parse::<Version>().map(|version| version.to_string());
        assert_eq!(read("8.4.4"), Ok("8.4".to_owned()));
        assert_eq!(read("10.3-1+b2"), Ok("10.3".to_owned()));
        assert!(read("ten").is_err());
        assert_eq!(Version::of("!\nfrr version 10.7.1\nfrr defaults traditional\n"), "10.7".parse().ok());
    }
}
