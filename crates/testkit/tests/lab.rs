//! The lab itself, with the real daemons: every version, and each with the other as its peer.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use frrk8s_testkit::lab::{
    self, Bird, Daemon, Family, FrrInstall, Lan, Namespace, Node, Pair, Refused, Router, RouterOptions,
    SESSION_LIMIT, wait_until,
};

const ROUTE_LIMIT: Duration = Duration::from_secs(15);

/// Each version with itself, and the versions with each other.
fn pairs() -> Vec<(FrrInstall, FrrInstall)> {
    let installs = lab::installs();
    let mut pairs: Vec<_> = installs.iter().map(|frr| (frr.clone(), frr.clone())).collect();
    if let [old, new] = installs.as_slice() {
        pairs.push((old.clone(), new.clone()));
    }
    pairs
}

fn load(node: &Node, config: &str) {
    assert_eq!(node.router.load(config).unwrap(), []);
}

#[test]
fn bgpd_alone_reads_back_what_it_was_told() {
    for frr in lab::installs() {
        let router = Router::bgpd_alone(&frr).unwrap();
        let lines = ["router bgp 64512", "neighbor 192.0.2.1 remote-as 64513", "exit"];
        assert_eq!(router.configure(Daemon::Bgpd, &lines).unwrap(), []);
        let running = router.running_config(Daemon::Bgpd).unwrap();
        assert!(running.contains("router bgp 64512\n neighbor 192.0.2.1 remote-as 64513\n"), "{running}");
    }
}

#[test]
fn a_wiped_router_is_empty() {
    for frr in lab::installs() {
        let mut router = Router::isolated(&frr, RouterOptions::default()).unwrap();
        let fresh = router.show_running_config().unwrap();
        let config = "ip prefix-list a seq 5 permit 10.0.0.0/8\nrouter bgp 64512\nexit\nbfd\n profile p\n";
        assert_eq!(router.load(config).unwrap(), []);
        assert_ne!(router.show_running_config().unwrap(), fresh);
        router.wipe().unwrap();
        assert_eq!(router.show_running_config().unwrap(), fresh);
    }
}

#[test]
fn a_refused_line_is_returned_with_what_frr_said() {
    for frr in lab::installs() {
        let router = Router::bgpd_alone(&frr).unwrap();
        let lines =
            ["router bgp 64512", "neighbor 192.0.2.1 remote-as 64513", "neighbor 192.0.2.1 timers 30 2"];
        let refused = router.configure(Daemon::Bgpd, &lines).unwrap();
        let expected = Refused { line: lines[2].to_owned(), text: "% Invalid value\n".to_owned() };
        assert_eq!(refused, [expected]);
    }
}

#[test]
fn a_batch_of_lists_that_bgpd_refuses_with_status_0_is_returned() {
    for frr in lab::installs() {
        let router = Router::bgpd_alone(&frr).unwrap();
        let lines = ["ip prefix-list bad seq 5 permit 10.0.0.0/8 ge 4", "router bgp 64512"];
        let refused = router.configure(Daemon::Bgpd, &lines).unwrap();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].line, "router bgp 64512");
        assert!(refused[0].text.contains("Invalid prefix range for 10.0.0.0/8"), "{refused:?}");
    }
}

#[test]
fn vtysh_names_the_lines_that_were_refused() {
    for frr in lab::installs() {
        let router = Router::isolated(&frr, RouterOptions::default()).unwrap();
        let config = "router bgp 64512\n neighbor 192.0.2.1 remote-as 64513\n bogus\n";
        let refused = router.load(config).unwrap();
        let lines: Vec<&str> = refused.iter().map(|refused| refused.line.as_str()).collect();
        assert_eq!(lines, ["bogus"], "{refused:?}");
    }
}

#[test]
fn the_owner_of_lists_takes_a_batch_at_once() {
    for frr in lab::installs() {
        let owner = if frr.version().has_mgmtd() { Daemon::Mgmtd } else { Daemon::Zebra };
        let router = Router::isolated(&frr, RouterOptions::default()).unwrap();
        let line = "ip prefix-list a seq 5 permit 10.0.0.0/8";
        assert_eq!(router.configure(owner, &[line]).unwrap(), []);
        assert!(router.running_config(owner).unwrap().contains(line));
    }
}

/// One side of an eBGP pair that speaks both families over both, and sets communities on what it sends.
fn ebgp(own_as: u32, own: u8, peer: u8) -> String {
    let peer_as = 64511 + u32::from(peer);
    format!(
        "bgp route-map delay-timer 1
route-map out permit 10
 set community 64512:1 no-export
 set large-community 64512:1:2
exit
router bgp {own_as}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor 192.0.2.{peer} remote-as {peer_as}
 neighbor 2001:db8::{peer} remote-as {peer_as}
 address-family ipv4 unicast
  network 10.{own}.0.0/16
  neighbor 192.0.2.{peer} activate
  neighbor 192.0.2.{peer} route-map out out
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:{own}::/48
  neighbor 2001:db8::{peer} activate
  neighbor 2001:db8::{peer} route-map out out
 exit-address-family
exit
"
    )
}

#[test]
fn an_ebgp_peer_receives_routes_and_communities_over_both_families() {
    for (a, b) in pairs() {
        let pair = Pair::start(&a, &b).unwrap();
        load(&pair.a, &ebgp(64512, 1, 2));
        load(&pair.b, &ebgp(64513, 2, 1));
        pair.a.router.wait_established("192.0.2.2", None, SESSION_LIMIT).unwrap();
        pair.a.router.wait_established("2001:db8::2", None, SESSION_LIMIT).unwrap();
        for (node, other_as, v4, v6) in [
            (&pair.a, "64513", "10.2.0.0/16", "2001:db8:2::/48"),
            (&pair.b, "64512", "10.1.0.0/16", "2001:db8:1::/48"),
        ] {
            for (family, prefix) in [(Family::Ipv4, v4), (Family::Ipv6, v6)] {
                wait_until(ROUTE_LIMIT, prefix, || {
                    Ok(node.router.bgp_paths(family, None, prefix)?.iter().any(|path| path.best))
                })
                .unwrap();
                let table = node.router.bgp_table(family, None).unwrap();
                assert_eq!(table.len(), 2, "{table:?}");
                let path = &table[prefix][0];
                assert_eq!(path.as_path, other_as);
                assert_eq!(path.communities, ["64512:1", "no-export"]);
                assert_eq!(path.large_communities, ["64512:1:2"]);
                assert_eq!(*path, node.router.bgp_paths(family, None, prefix).unwrap()[0]);
            }
        }
    }
}

#[test]
fn an_ibgp_peer_receives_the_local_preference() {
    for (a, b) in pairs() {
        let pair = Pair::start(&a, &b).unwrap();
        load(
            &pair.a,
            "bgp route-map delay-timer 1
route-map out permit 10
 set local-preference 250
exit
router bgp 64512
 no bgp network import-check
 neighbor 192.0.2.2 remote-as internal
 address-family ipv4 unicast
  network 10.1.0.0/16
  neighbor 192.0.2.2 route-map out out
",
        );
        load(&pair.b, "router bgp 64512\n neighbor 192.0.2.1 remote-as internal\n");
        let received = || pair.b.router.bgp_paths(Family::Ipv4, None, "10.1.0.0/16");
        wait_until(SESSION_LIMIT, "10.1.0.0/16", || Ok(!received()?.is_empty())).unwrap();
        let paths = received().unwrap();
        assert_eq!(paths[0].local_pref, Some(250));
        assert_eq!(paths[0].next_hops, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
        assert_eq!(paths[0].peer, "192.0.2.1");
    }
}

#[test]
fn a_router_without_bgp_has_an_empty_table_and_no_session() {
    for frr in lab::installs() {
        let router = Router::bgpd_alone(&frr).unwrap();
        assert!(router.bgp_table(Family::Ipv4, None).unwrap().is_empty());
        assert!(router.bgp_table(Family::Ipv6, Some("red")).unwrap().is_empty());
        assert!(!router.established("192.0.2.1", None).unwrap());
        assert!(!router.established("192.0.2.1", Some("red")).unwrap());
    }
}

#[test]
fn a_namespace_is_a_vrf_of_its_own_router() {
    for frr in lab::installs() {
        let mut lan = Lan::new().unwrap();
        let red = lan.host().unwrap();
        let peer = lan.router(&frr, RouterOptions::default()).unwrap();
        let options =
            RouterOptions { vrfs: vec![("red".to_owned(), red.namespace.clone())], ..Default::default() };
        let hub = Router::isolated(&frr, options).unwrap();
        let config = format!("router bgp 64512 vrf red\n neighbor {} remote-as 64513\n", peer.host.v4);
        assert_eq!(hub.load(&config).unwrap(), []);
        load(
            &peer,
            &format!(
                "router bgp 64513\n no bgp ebgp-requires-policy\n no bgp network import-check
 neighbor {} remote-as 64512\n address-family ipv4 unicast\n  network 10.2.0.0/16\n",
                red.v4
            ),
        );
        hub.wait_established(&peer.host.v4.to_string(), Some("red"), SESSION_LIMIT).unwrap();
        assert!(!hub.established(&peer.host.v4.to_string(), None).unwrap());
    }
}

#[test]
fn bird_reads_the_routes_of_frr() {
    let installs = lab::installs();
    if installs.is_empty() || !lab::bird_installed() {
        return;
    }
    for frr in installs {
        let mut lan = Lan::new().unwrap();
        let node = lan.router(&frr, RouterOptions::default()).unwrap();
        let host = lan.host().unwrap();
        let bird = Bird::start(
            &host.namespace,
            &format!(
                "router id {own};\nprotocol device {{}}\nprotocol bgp frr {{
  local {own} as 64513;\n  neighbor {peer} as 64512;\n  ipv4 {{ import all; export none; }};\n}}\n",
                own = host.v4,
                peer = node.host.v4
            ),
        )
        .unwrap();
        load(&node, &ebgp(64512, 1, 2));
        wait_until(SESSION_LIMIT, "bird's session", || bird.established("frr")).unwrap();
        wait_until(ROUTE_LIMIT, "the route at bird", || Ok(!bird.bgp_table()?.is_empty())).unwrap();
        let table = bird.bgp_table().unwrap();
        let path = &table["10.1.0.0/16"][0];
        assert_eq!(path.communities, ["64512:1", "no-export"]);
        assert_eq!(path.large_communities, ["64512:1:2"]);
        assert_eq!(path.as_path, "64512");
    }
}

#[test]
fn a_killed_daemon_is_noticed_and_comes_back() {
    for frr in lab::installs() {
        let mut router = Router::bgpd_alone(&frr).unwrap();
        router.kill(Daemon::Bgpd).unwrap();
        assert!(!router.is_alive(Daemon::Bgpd));
        assert!(router.running_config(Daemon::Bgpd).is_err());
        router.start_daemon(Daemon::Bgpd).unwrap();
        assert!(router.is_alive(Daemon::Bgpd));
    }
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    for frr in lab::installs() {
        let options =
            RouterOptions { bgpd_arguments: vec!["--no-such-option".to_owned()], ..RouterOptions::default() };
        let error = Router::isolated(&frr, options).unwrap_err();
        assert!(error.to_string().contains("no-such-option"), "{error}");
    }
}

#[test]
fn nothing_stays_behind() {
    for frr in lab::installs() {
        let pair = Pair::start(&frr, &frr).unwrap();
        let pathspaces = [&pair.a, &pair.b].map(|node| node.router.pathspace().to_owned());
        let namespaces = [&pair.a, &pair.b].map(|node| node.host.namespace.name().to_owned());
        let pid = std::fs::read_to_string(pair.a.router.run_directory().join("bgpd.pid")).unwrap();
        let crash = Path::new("/var/tmp/frr").join(format!("bgpd.{}", pid.trim()));
        for name in &pathspaces {
            assert!(!processes_of(name).is_empty());
            assert!(!entries_of(name).is_empty());
        }
        drop(pair);
        for name in &pathspaces {
            assert_eq!(processes_of(name), Vec::<String>::new());
        }
        for name in pathspaces.iter().chain(&namespaces) {
            assert_eq!(entries_of(name), Vec::<PathBuf>::new());
        }
        assert!(!crash.exists());
    }
}

const DIE: &str = "FRRK8S_LAB_TEST_DIE";

#[test]
fn what_a_killed_process_left_is_swept_by_the_next() {
    // Run by itself with DIE, this test is the process that dies; without, it is the one that looks.
    if std::env::var_os(DIE).is_some() {
        let frr = lab::installs().pop().unwrap();
        let _router = Router::isolated(&frr, RouterOptions::default()).unwrap();
        let _alone = Router::bgpd_alone(&frr).unwrap();
        std::process::abort();
    }
    if lab::installs().is_empty() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let name = "what_a_killed_process_left_is_swept_by_the_next";
    let mut dying = Command::new(&this).args(["--exact", name]).env(DIE, "1").spawn().unwrap();
    assert!(!dying.wait().unwrap().success());
    let left = format!("fk8s-{}-", dying.id());
    assert!(!processes_of(&left).is_empty());
    assert!(!entries_of(&left).is_empty());

    // Sweeping happens once a process, and this one may have done it before: another does it.
    let next = Command::new(&this).args(["--exact", "a_namespace_can_run_a_command"]).output().unwrap();
    assert!(next.status.success());
    wait_until(ROUTE_LIMIT, "the left daemons to end", || Ok(processes_of(&left).is_empty())).unwrap();
    assert_eq!(entries_of(&left), Vec::<PathBuf>::new());
}

#[test]
fn a_namespace_can_run_a_command() {
    if lab::skip_reason().is_some() {
        return;
    }
    let namespace = Namespace::new("run").unwrap();
    assert!(namespace.run("ip", &["-brief", "link"]).unwrap().starts_with("lo"));
}

fn processes_of(name: &str) -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("cmdline")).ok())
        .filter(|command_line| command_line.split('\0').any(|word| word.starts_with(name)))
        .collect()
}

fn entries_of(name: &str) -> Vec<PathBuf> {
    [PathBuf::from("/run/netns"), "/run/frr".into(), "/etc/frr".into(), std::env::temp_dir()]
        .iter()
        .flat_map(|parent| std::fs::read_dir(parent).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(name))
        .collect()
}
