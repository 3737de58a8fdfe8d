//! The second half of `make demo`: the rendered configuration in a real FRR, and what a second router sees of it.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::time::Duration;

use frrk8s_testkit::lab::{BgpTable, Daemon, Family, FrrInstall, FrrVersion, LabError, Pair, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

/// The second router: the rack's switch. It offers a default route, a network that the node takes, one that it
/// does not, and one that is always blocked.
const TOR: &str = "bgp route-map delay-timer 1
router bgp 64512
 no bgp network import-check
 no bgp default ipv4-unicast
 neighbor 192.0.2.1 remote-as 64512
 neighbor 192.0.2.1 timers connect 1
 neighbor 192.0.2.1 password s3cret
 address-family ipv4 unicast
  neighbor 192.0.2.1 activate
  network 0.0.0.0/0
  network 172.16.0.0/12
  network 10.96.7.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor 192.0.2.1 activate
  network 2001:db8:f001::/48
 exit-address-family
exit
";

/// What the three owners allow to the switch: prefix, communities, local preference.
const EXPECTED: [(&str, &str, u64); 4] = [
    ("10.244.1.0/24", "64512:244:1", 100),
    ("2001:db8:244:1::/64", "64512:244:1", 100),
    ("203.0.113.10/32", "64512:100", 100),
    ("203.0.113.11/32", "64512:100", 200),
];
const TAKEN: [&str; 2] = ["0.0.0.0/0", "2001:db8:f001::/48"];

fn main() -> ExitCode {
    let Some(objects) = std::env::args().nth(1) else {
        println!("usage: two_routers OBJECTS");
        return ExitCode::from(2);
    };
    match run(&objects) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rendered(objects: &str) -> Result<String, LabError> {
    let output = Command::new("frrk8s")
        .args(["render", "-f", objects, "--always-block", "10.96.0.0/12"])
        .output()
        .map_err(LabError::io("cannot run frrk8s"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(objects: &str) -> Result<(), LabError> {
    let install = FrrInstall::find(FrrVersion::V8_4)?;
    println!(
        "two network namespaces, worker-1 and tor, joined by a cable; FRR {} in each",
        install.release()
    );
    let pair = Pair::start(&install, &install)?;
    let (node, tor) = (&pair.a.router, &pair.b.router);
    let lines: Vec<&str> = TOR.lines().map(str::trim).collect();
    let refused = tor.configure(Daemon::Bgpd, &lines)?;
    let config = rendered(objects)?;
    println!("worker-1$ vtysh -f <the configuration above, {} lines>", config.lines().count());
    let refused_by_node = node.load(&config)?;
    for line in refused.iter().chain(&refused_by_node) {
        println!("  refused: {} ({})", line.line, line.text.trim());
    }
    let time = tor.wait_established("192.0.2.1", None, LIMIT)?;
    println!("tor: the session with worker-1 is Established after {:.1} s", time.as_secs_f64());
    let mut seen = BTreeMap::new();
    wait_until(LIMIT, "the routes that are allowed, and no others", || {
        seen = table(tor, "192.0.2.1")?;
        Ok(EXPECTED.len() == seen.len() && EXPECTED.iter().all(|route| matches(route, &seen)))
    })?;
    println!("\n  {:<22}{:<18}{:>10}  communities", "tor's table: prefix", "next hop", "local pref");
    for (prefix, paths) in &seen {
        for path in paths {
            let hop = path.next_hops.first().map(ToString::to_string).unwrap_or_default();
            let communities = [path.communities.join(" "), path.large_communities.join(" ")].join(" ");
            let local_pref = path.local_pref.unwrap_or_default();
            println!("  {prefix:<22}{hop:<18}{local_pref:>10}  {}", communities.trim());
        }
    }
    println!(
        "  exactly the {} prefixes that the owners allow; 10.250.0.0/16 stays on the node",
        EXPECTED.len()
    );
    wait_until(LIMIT, "what the node takes", || Ok(table(node, "192.0.2.2")?.keys().eq(TAKEN)))?;
    println!("\n  worker-1 takes {} from tor,", TAKEN.join(" and "));
    println!("  and neither 172.16.0.0/12 (nobody allows it) nor 10.96.7.0/24 (always blocked)");
    Ok(())
}

/// What a router has from a peer, over both families.
fn table(router: &frrk8s_testkit::lab::Router, peer: &str) -> Result<BgpTable, LabError> {
    let mut all = BgpTable::new();
    for family in [Family::Ipv4, Family::Ipv6] {
        for (prefix, mut paths) in router.bgp_table(family, None)? {
            paths.retain(|path| path.peer == peer);
            if !paths.is_empty() {
                all.insert(prefix, paths);
            }
        }
    }
    Ok(all)
}

fn matches((prefix, communities, local_pref): &(&str, &str, u64), seen: &BgpTable) -> bool {
    seen.get(*prefix).is_some_and(|paths| {
        paths.iter().all(|path| {
            let all = path.communities.iter().chain(&path.large_communities);
            all.map(String::as_str).eq([*communities]) && path.local_pref == Some(*local_pref)
        })
    })
}
