//! Who asks for what runs already changes nothing: FRR is read, and no daemon is told anything, not even a `clear`.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use frrk8s_e2e::agent::{Agent, Home, isolated, on_each, wait_for_config};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_testkit::lab::Daemon;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");

/// A bit of everything: both families, filters both ways, attributes, BFD, and raw lines of several daemons.
const OBJECTS: &str = "
kind: FRRConfiguration
metadata: {name: a}
spec:
  bgp:
    bfdProfiles: [{name: quick, receiveInterval: 400, transmitInterval: 300, detectMultiplier: 3}]
    routers:
    - asn: 64512
      id: 192.0.2.1
      prefixes: [10.1.0.0/16, 10.2.0.0/16, '2001:db8:1::/48']
      neighbors:
      - address: 192.0.2.3
        asn: 64513
        port: 1790
        password: secret
        bfdProfile: quick
        ebgpMultiHop: true
        holdTime: 90s
        keepaliveTime: 30s
        dualStackAddressFamily: true
        toAdvertise:
          allowed: {mode: all}
          withLocalPref: [{localPref: 300, prefixes: [10.1.0.0/16]}]
          withCommunity: [{community: '65535:65281', prefixes: [10.1.0.0/16, '2001:db8:1::/48']}]
        toReceive: {allowed: {prefixes: [{prefix: 172.16.0.0/12, le: 24, ge: 16}]}}
      - {address: '2001:db8::4', asn: 64512, toAdvertise: {allowed: {prefixes: ['2001:db8:1::/48']}}}
---
kind: FRRConfiguration
metadata: {name: b}
spec:
  bgp: {routers: [{asn: 64512, neighbors: [{address: 192.0.2.5, dynamicASN: external, toReceive: {allowed: {mode: all}}}]}]}
  raw:
    rawConfig: |
      ip route 198.51.100.0/24 Null0
      bgp community-list standard mine permit 65535:65281
      router bgp 64512
       neighbor 192.0.2.5 description by hand
       neighbor 192.0.2.5 adv 7
";

fn agent(proxy: &Proxy, home: &Home) -> Agent {
    let options = ["--node=n1", "--always-block=10.96.0.0/12"];
    Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), home, &options)
}

/// FRR has been read since, and nothing else.
fn assert_only_read(what: &str, proxy: &Proxy) {
    let said = proxy.take_said();
    let is_read = |line: &&String| line.contains("d: show running-config");
    assert!(said.iter().any(|line| is_read(&line)), "{what}: FRR was not looked at: {said:#?}");
    let mut told = said.iter().filter(|line| !line.contains(": show ") && !line.ends_with(": enable"));
    assert_eq!(told.next(), None, "{what}: {said:#?}");
}

#[test]
fn who_asks_again_for_what_runs_tells_frr_nothing() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let proxy = Proxy::before(&router, &Daemon::ALL, |_, _| Act::HandOn);
        home.put("a.yaml", &OBJECTS.replace("localPref: 300", "localPref: 200"));
        let running = agent(&proxy, &home);
        running.wait_for_reason("Applied");
        home.put("a.yaml", OBJECTS);
        wait_for_config(&router, "the other preference", |text| text.contains("set local-preference 300"));
        assert_ne!(running.lines_told(), 0);
        running.wait_for_reason("Applied");
        let said = proxy.take_said();
        assert!(said.iter().any(|line| line.starts_with("bgpd: clear bgp")), "{said:#?}");

        // The same file is a change of the directory, and of nothing in it.
        home.put("a.yaml", OBJECTS);
        running.wait_for_passes(2);
        assert_only_read("the same file", &proxy);

        // It was told to end, and then it was killed.
        running.stop();
        proxy.take_said();
        let again = agent(&proxy, &home);
        again.wait_for_passes(2);
        assert_only_read("after SIGTERM", &proxy);
        assert_eq!((again.lines_told(), &again.report()["reason"]), (0, &"Applied".into()));
        again.kill();
        proxy.take_said();
        let last = agent(&proxy, &home);
        last.wait_for_passes(2);
        assert_only_read("after SIGKILL", &proxy);
        assert_eq!((last.lines_told(), &last.report()["reason"]), (0, &"Applied".into()));
    });
}
