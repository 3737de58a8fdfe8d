use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::error::LabError;
use super::install::Daemon;
use super::router::Router;
use super::wait::wait_until;

/// An address family, with unicast routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4 unicast",
            Self::Ipv6 => "ipv6 unicast",
        })
    }
}

/// Every prefix that a BGP speaker knows, its own included, with its paths in the speaker's order.
pub type BgpTable = BTreeMap<String, Vec<Path>>;

/// One way to a prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Who told it; unspecified (`0.0.0.0`, `::`) for the speaker's own.
    pub peer: String,
    /// The next hops; for IPv6 often a global and a link-local one.
    pub next_hops: Vec<IpAddr>,
    /// The AS path as FRR writes it; empty for what begins in this AS.
    pub as_path: String,
    /// The local preference, if the path has one.
    pub local_pref: Option<u64>,
    /// The multi-exit discriminator, 0 where the path has none.
    pub metric: u64,
    /// Communities as FRR writes them: `64512:1`, `no-export`.
    pub communities: Vec<String>,
    /// Large communities: `64512:1:2`.
    pub large_communities: Vec<String>,
    /// Whether the speaker uses this path.
    pub best: bool,
}

impl Router {
    /// All that bgpd knows of a family in a VRF. Empty where there is no such BGP instance.
    pub fn bgp_table(&self, family: Family, vrf: Option<&str>) -> Result<BgpTable, LabError> {
        let show = show_bgp(vrf);
        let list = if self.has_detail() { "detail json" } else { "json" };
        let shown = self.show_json(Daemon::Bgpd, &format!("{show} {family} {list}"))?;
        let Some(routes) = shown["routes"].as_object() else { return Ok(BgpTable::new()) };
        if self.has_detail() {
            return Ok(routes.iter().map(|(prefix, paths)| (prefix.clone(), read_paths(paths))).collect());
        }
        // The list of 8.4 knows no communities: ask for each prefix. One that went meanwhile has no paths.
        let mut vty = self.vty(Daemon::Bgpd)?;
        let mut table = BgpTable::new();
        for prefix in routes.keys() {
            let command = format!("{show} {family} {prefix} json");
            let text = vty.command(&command)?.text;
            let shown: Value =
                serde_json::from_str(&text).map_err(|_| LabError::NotJson { command, text })?;
            let paths = read_paths(&shown["paths"]);
            if !paths.is_empty() {
                table.insert(prefix.clone(), paths);
            }
        }
        Ok(table)
    }

    /// The paths to one prefix, none if it is not known. Cheap enough to be polled in a large table.
    pub fn bgp_paths(&self, family: Family, vrf: Option<&str>, prefix: &str) -> Result<Vec<Path>, LabError> {
        let command = format!("{} {family} {prefix} json", show_bgp(vrf));
        let shown = self.show_json(Daemon::Bgpd, &command)?;
        // A prefix without a route of its own is answered with the route that covers it.
        let exact = shown["prefix"].as_str() == Some(prefix);
        Ok(if exact { read_paths(&shown["paths"]) } else { Vec::new() })
    }

    /// Whether the session with a peer (an address, or an interface) is up.
    pub fn established(&self, peer: &str, vrf: Option<&str>) -> Result<bool, LabError> {
        let shown = self.show_json(Daemon::Bgpd, &format!("{} neighbors {peer} json", show_bgp(vrf)))?;
        // Under a VRF, facts about the VRF stand beside the peer.
        let states = shown.as_object().into_iter().flat_map(|object| object.values());
        Ok(states.into_iter().any(|state| state["bgpState"] == "Established"))
    }

    /// Waits for a session; how long it took to come up.
    pub fn wait_established(
        &self,
        peer: &str,
        vrf: Option<&str>,
        limit: Duration,
    ) -> Result<Duration, LabError> {
        wait_until(limit, &format!("the session with {peer}"), || self.established(peer, vrf))
    }

    fn has_detail(&self) -> bool {
        self.install().version().has_mgmtd()
    }
}

fn show_bgp(vrf: Option<&str>) -> String {
    vrf.map_or_else(|| "show bgp".to_owned(), |vrf| format!("show bgp vrf {vrf}"))
}

fn read_paths(paths: &Value) -> Vec<Path> {
    paths.as_array().map(|paths| paths.iter().map(read_path).collect()).unwrap_or_default()
}

fn read_path(path: &Value) -> Path {
    let words = |attribute: &str| -> Vec<String> {
        let text = path[attribute]["string"].as_str().unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    };
    let next_hops = path["nexthops"].as_array().into_iter().flatten();
    Path {
        peer: path["peer"]["peerId"].as_str().unwrap_or_default().to_owned(),
        next_hops: next_hops.filter_map(|hop| hop["ip"].as_str()?.parse().ok()).collect(),
        as_path: match path["aspath"]["string"].as_str() {
            None | Some("Local") => String::new(),
            Some(text) => text.to_owned(),
        },
        local_pref: path["locPrf"].as_u64(),
        metric: path["metric"].as_u64().unwrap_or(0),
        communities: words("community"),
        large_communities: words("largeCommunity"),
        best: path["bestpath"]["overall"] == true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_read_with_its_attributes() {
        let shown = json!([{
            "aspath": {"string": "64513 64514", "length": 2}, "metric": 7, "locPrf": 250,
            "bestpath": {"overall": true},
            "community": {"string": "64512:1 no-export", "list": ["64512:1", "noExport"]},
            "largeCommunity": {"string": "64512:1:2", "list": ["64512:1:2"]},
            "nexthops": [{"ip": "192.0.2.2", "afi": "ipv4"}],
            "peer": {"peerId": "192.0.2.2"},
        }]);
        let expected = Path {
            peer: "192.0.2.2".to_owned(),
            next_hops: vec!["192.0.2.2".parse().unwrap()],
            as_path: "64513 64514".to_owned(),
            local_pref: Some(250),
            metric: 7,
            communities: vec!["64512:1".to_owned(), "no-export".to_owned()],
            large_communities: vec!["64512:1:2".to_owned()],
            best: true,
        };
        assert_eq!(read_paths(&shown), [expected]);
    }

    #[test]
    fn a_path_of_this_as_has_an_empty_as_path() {
        assert_eq!(read_path(&json!({"aspath": {"string": "Local"}})), Path::default());
    }
}
