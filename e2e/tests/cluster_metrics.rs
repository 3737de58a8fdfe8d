//! Figures as Prometheus gets them: upstream's names with FRR's own numbers, over TLS, for those whom a real API server
//! lets read them.
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::float_cmp, reason = "the numbers of the samples are whole")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use frrk8s_e2e::agent::{Agent, Home, LIMIT, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_e2e::{bfd, https};
use frrk8s_testkit::cluster::{self, BoundTo, Cluster, ClusterOptions};
use frrk8s_testkit::lab::{Daemon, FrrInstall, Pair, Router, installs, wait_until};
use tokio_rustls::rustls::version::{TLS12, TLS13};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const NAMESPACE: &str = "frr-k8s-system";
const SESSION_LIMIT: Duration = Duration::from_mins(1);

/// Who may read, and who may not.
const GROUND: &str = "apiVersion: v1
kind: Namespace
metadata: {name: frr-k8s-system}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: prometheus, namespace: frr-k8s-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: curious, namespace: frr-k8s-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: figures}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: figures}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: figures}
subjects: [{kind: ServiceAccount, name: prometheus, namespace: frr-k8s-system}]
";

fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start(&cluster::tools()?, &ClusterOptions::default()).unwrap();
    cluster.install_crds().unwrap();
    cluster.kubectl(&["create", "namespace", NAMESPACE]).unwrap();
    cluster.apply_yaml(GROUND).unwrap();
    Some(cluster)
}

fn token(cluster: &Cluster, account: &str) -> String {
    cluster.service_account_token(NAMESPACE, account, BoundTo::Nothing).unwrap()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// An agent with the two addresses at which it serves figures.
struct Serving {
    agent: Agent,
    objects: String,
    sessions: String,
}

fn serve(cluster: &Cluster, router: &Router, home: &Home, options: &[&str]) -> Serving {
    let (objects, sessions) = (free_address(), free_address());
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let metrics = format!("--metrics-listen={objects}");
    let frr_metrics = format!("--frr-metrics-listen={sessions}");
    let mut all = vec!["--source=kube", "--node=n1", &kubeconfig, &metrics, &frr_metrics];
    all.extend(options);
    let agent = Agent::start_with(Path::new(EXECUTABLE), router.run_directory(), home, &all);
    let are_served =
        || Ok([&sessions, &objects].iter().all(|address| https::get(address, "/livez", None).is_ok()));
    wait_until(LIMIT, "figures to be served", are_served).unwrap();
    Serving { agent, objects, sessions }
}

/// Every sample of a text, by its name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let samples: Vec<(String, f64)> =
        lines.map(|line| sample(line).unwrap_or_else(|| panic!("{line}"))).collect();
    let count = samples.len();
    let map: BTreeMap<String, f64> = samples.into_iter().collect();
    assert_eq!(map.len(), count, "a series is there twice:\n{text}");
    map
}

/// The peers with a session, what each is told and what each tells: the first in one object, the second in another.
const PEERS: [(&str, f64, f64); 2] = [("192.0.2.2", 1.0, 2.0), ("2001:db8::2", 2.0, 1.0)];
const NODE: [(&str, &str, &str); 2] = [
    ("four", "203.0.113.0/24", "{address: 192.0.2.2, asn: 64513, MORE}"),
    (
        "six",
        "'2001:db8:71::/64', '2001:db8:72::/64'",
        "{address: '2001:db8::2', asn: 64513, MORE}, {address: '2001:db8::9', asn: 64513}",
    ),
];
const MORE: &str = "connectTime: 1s, bfdProfile: slow, toAdvertise: {allowed: {mode: all}}, toReceive: {allowed: {mode: all}}";
/// BFD as slow as the node's: the machine of the tests is busy.
const OTHER: &str = "bgp route-map delay-timer 1
bfd
 profile slow
  receive-interval 1000
  transmit-interval 1000
  detect-multiplier 5
 exit
exit
router bgp 64513
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 192.0.2.1 remote-as 64512
 neighbor 192.0.2.1 timers connect 1
 neighbor 192.0.2.1 bfd profile slow
 neighbor 2001:db8::1 remote-as 64512
 neighbor 2001:db8::1 timers connect 1
 neighbor 2001:db8::1 bfd profile slow
 address-family ipv4 unicast
  network 198.51.100.0/24
  network 198.51.101.0/24
  no neighbor 2001:db8::1 activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:81::/64
  neighbor 2001:db8::1 activate
 exit-address-family
exit
";

/// The figures of a session, and where FRR has each.
const BGP: [(&str, &[&str]); 10] = [
    ("opens_sent", &["messageStats", "opensSent"]),
    ("opens_received", &["messageStats", "opensRecv"]),
    ("notifications_sent", &["messageStats", "notificationsSent"]),
    ("updates_total", &["messageStats", "updatesSent"]),
    ("updates_total_received", &["messageStats", "updatesRecv"]),
    ("keepalives_sent", &["messageStats", "keepalivesSent"]),
    ("keepalives_received", &["messageStats", "keepalivesRecv"]),
    ("route_refresh_sent", &["messageStats", "routeRefreshSent"]),
    ("total_sent", &["messageStats", "totalSent"]),
    ("total_received", &["messageStats", "totalRecv"]),
];
const BFD: [(&str, &str); 7] = [
    ("control_packet_input", "control-packet-input"),
    ("control_packet_output", "control-packet-output"),
    ("echo_packet_input", "echo-packet-input"),
    ("echo_packet_output", "echo-packet-output"),
    ("session_up_events", "session-up"),
    ("session_down_events", "session-down"),
    ("zebra_notifications", "zebra-notifications"),
];

fn series(name: &str, peer: &str) -> String {
    format!("frrk8s_{name}{{peer=\"{peer}\",vrf=\"default\"}}")
}

fn numbers_of_frr(router: &Router) -> BTreeMap<String, f64> {
    let neighbors = router.show_json(Daemon::Bgpd, "show bgp vrf all neighbors json").unwrap();
    let counters = router.show_json(Daemon::Bfdd, "show bfd peers counters json").unwrap();
    let mut numbers = BTreeMap::new();
    for (peer, ..) in PEERS {
        let neighbor = &neighbors["default"][peer];
        for (name, path) in BGP {
            let value = path.iter().fold(neighbor, |value, key| &value[key]);
            numbers.insert(series(&format!("bgp_{name}"), peer), value.as_f64().unwrap());
        }
        let counted = counters.as_array().unwrap().iter().find(|counted| counted["peer"] == peer).unwrap();
        for (name, key) in BFD {
            numbers.insert(series(&format!("bfd_{name}"), peer), counted[key].as_f64().unwrap());
        }
    }
    numbers
}

fn has_frrs_numbers(cluster: &Cluster, install: &FrrInstall) {
    let (pair, home) = (Pair::start(install, install).unwrap(), Home::new());
    let serving = serve(cluster, &pair.a.router, &home, &[]);
    pair.b.router.load(OTHER).unwrap();
    for (peer, ..) in PEERS {
        pair.a.router.wait_established(peer, None, SESSION_LIMIT).unwrap();
    }
    bfd::wait([&pair.a.router, &pair.b.router], true).unwrap();
    let token = token(cluster, "prometheus");
    let scrape = || {
        let answer = https::get(&serving.sessions, "/metrics", Some(&token)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(
            answer.head.to_lowercase().contains("content-type: text/plain; version=0.0.4"),
            "{}",
            answer.head
        );
        answer.body
    };
    let received =
        |(peer, _, tells): &(&str, f64, f64)| (series("bgp_received_prefixes_total", peer), *tells);
    let received: BTreeMap<String, f64> = PEERS.iter().map(received).collect();
    let waited = wait_until(SESSION_LIMIT, "all prefixes", || {
        let served = samples(&scrape());
        Ok(received.iter().all(|(name, number)| served.get(name) == Some(number)))
    });
    waited.unwrap_or_else(|error| panic!("{error}\n{}", scrape()));
    // Counters go up all the time: what is served reaches what FRR had before, and is not beyond what it has after.
    let first = numbers_of_frr(&pair.a.router);
    let (mut text, mut served) = (String::new(), BTreeMap::new());
    let waited = wait_until(LIMIT, "FRR's numbers", || {
        text = scrape();
        served = samples(&text);
        Ok(first.iter().all(|(name, from)| served.get(name).is_some_and(|value| value >= from)))
    });
    assert!(waited.is_ok(), "{first:#?}\n{text}");
    let last = numbers_of_frr(&pair.a.router);
    for name in first.keys() {
        assert!(served[name] <= last[name], "{name}: {} <= {}", served[name], last[name]);
    }
    let mut expected = vec![(series("bgp_session_up", "2001:db8::9"), 0.0)];
    for (peer, told, _) in PEERS {
        expected.push((series("bgp_session_up", peer), 1.0));
        expected.push((series("bgp_announced_prefixes_total", peer), told));
        expected.push((series("bfd_session_up", peer), 1.0));
    }
    let has_all = |text: &str| expected.iter().all(|(name, value)| samples(text).get(name) == Some(value));
    let waited = wait_until(LIMIT, "what stands", || Ok(has_all(&scrape())));
    assert!(waited.is_ok(), "{}", scrape());
    for (name, kind) in [
        ("bgp_session_up", "gauge"),
        ("bgp_announced_prefixes_total", "gauge"),
        ("bgp_updates_total", "counter"),
    ] {
        assert!(text.contains(&format!("# TYPE frrk8s_{name} {kind}\n")), "{text}");
    }
    // BFD goes down and up again.
    let downs = |served: &BTreeMap<String, f64>| {
        PEERS.map(|(peer, ..)| {
            served.get(&series("bfd_session_down_events", peer)).copied().unwrap_or_default()
        })
    };
    let before = downs(&served);
    pair.b.host.namespace.set_link("e0", false).unwrap();
    wait_until(SESSION_LIMIT, "BFD to be seen down", || {
        let served = samples(&scrape());
        let are_down =
            PEERS.iter().all(|(peer, ..)| served.get(&series("bfd_session_up", peer)) == Some(&0.0));
        Ok(are_down && downs(&served).iter().zip(before).all(|(now, before)| *now > before))
    })
    .unwrap();
    // Everything together, on loopback.
    let all = samples(&serving.agent.get("/metrics").unwrap());
    assert!(
        received.keys().all(|name| all.contains_key(name))
            && all.contains_key("frrk8s_k8s_client_updates_total"),
        "{all:?}"
    );
}

#[test]
fn sessions_have_frrs_own_numbers_under_upstreams_names() {
    let Some(cluster) = cluster() else { return };
    for (name, prefixes, neighbors) in NODE {
        let neighbors = neighbors.replace("MORE", MORE);
        let yaml = format!(
            "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}, namespace: {NAMESPACE}}}\n\
             spec: {{bgp: {{routers: [{{asn: 64512, prefixes: [{prefixes}], neighbors: [{neighbors}]}}], \
             bfdProfiles: [{{name: slow, receiveInterval: 1000, transmitInterval: 1000, detectMultiplier: 5}}]}}}}\n"
        );
        cluster.apply_yaml(&yaml).unwrap();
    }
    for install in installs() {
        has_frrs_numbers(&cluster, &install);
    }
}

#[test]
fn only_those_whom_the_api_server_lets_read_them_get_figures() {
    let Some(mut cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let serving = serve(&cluster, &router, &home, &[]);
    let (may, may_not) = (token(&cluster, "prometheus"), token(&cluster, "curious"));
    let late = token(&cluster, "prometheus");
    let status = |address: &str, token: Option<&str>| https::get(address, "/metrics", token).unwrap().status;
    for address in [&serving.objects, &serving.sessions] {
        assert_eq!(status(address, None), 401);
        assert_eq!(status(address, Some("guessed")), 401);
        assert_eq!(status(address, Some(&may_not)), 403);
        assert_eq!(status(address, Some(&may)), 200);
    }
    let refused = https::get(&serving.objects, "/metrics", None).unwrap();
    assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{}", refused.head);
    // Nothing else is there, neither to read nor to tell.
    for path in ["/status", "/pause", "/readyz"] {
        assert_eq!(https::get(&serving.objects, path, Some(&may)).unwrap().status, 404, "{path}");
    }
    // Each part has its own.
    let objects = https::get(&serving.objects, "/metrics", Some(&may)).unwrap().body;
    assert!(objects.contains("frrk8s_k8s_client_config_loaded_bool "), "{objects}");
    let sessions = https::get(&serving.sessions, "/metrics", Some(&may)).unwrap().body;
    assert!(!sessions.contains("frrk8s_k8s_client"), "{sessions}");
    // Without the API server nobody new is let in, and who was known is so for a short time only.
    cluster.stop_api_server();
    assert_eq!(status(&serving.objects, Some(&late)), 503);
    wait_until(Duration::from_mins(1), "what the API server said to be over", || {
        Ok(status(&serving.objects, Some(&may)) == 503)
    })
    .unwrap();
    cluster.start_api_server().unwrap();
    wait_until(
        LIMIT,
        "the API server to be asked again",
        || Ok(status(&serving.objects, Some(&late)) == 200),
    )
    .unwrap();
}

#[test]
fn livez_is_for_everybody_and_knows_a_dead_daemon() {
    let Some(cluster) = cluster() else { return };
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        let serving = serve(&cluster, &router, &home, &[]);
        let live = || https::get(&serving.sessions, "/livez", None).unwrap();
        wait_until(LIMIT, "FRR to be found alive", || Ok(live().status == 200)).unwrap();
        assert_eq!(serving.agent.get("/livez").as_deref(), Some("ok\n"));
        router.kill(Daemon::Bfdd).unwrap();
        wait_until(LIMIT, "bfdd to be missed", || Ok(live().status == 404)).unwrap();
        assert_eq!(live().body, "not running: bfdd\n");
        // What the agent's own pod is asked is about the agent: without FRR it must not be killed as well.
        assert_eq!(serving.agent.get("/healthz").as_deref(), Some("ok\n"));
        router.start_daemon(Daemon::Bfdd).unwrap();
        wait_until(LIMIT, "FRR to be found alive again", || Ok(live().status == 200)).unwrap();
    });
}

#[test]
fn a_secret_that_is_missing_makes_the_configuration_stale() {
    let Some(cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let serving = serve(&cluster, &router, &home, &[]);
    let token = token(&cluster, "prometheus");
    let figure = |name: &str| {
        let text = https::get(&serving.objects, "/metrics", Some(&token)).unwrap().body;
        *samples(&text)
            .get(&format!("frrk8s_k8s_client_{name}"))
            .unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    let wait =
        |what: &str, is_it: &dyn Fn() -> bool| wait_until(LIMIT, what, || Ok(is_it())).map(drop).unwrap();
    let apply = |more: &str| {
        let yaml = format!(
            "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: a, namespace: {NAMESPACE}}}\n\
             spec: {{bgp: {{routers: [{{asn: 64512, neighbors: [{{address: 192.0.2.3, asn: 64513{more}}}]}}]}}}}\n"
        );
        cluster.apply_yaml(&yaml).unwrap();
    };
    apply("");
    wait_for_config(&router, "the neighbor", |text| text.contains("192.0.2.3 remote-as"));
    wait("the configuration to be loaded", &|| {
        figure("config_loaded_bool") == 1.0 && figure("config_stale_bool") == 0.0
    });
    let errors = figure("update_errors_total");
    apply(", passwordSecret: {name: missing}");
    wait("the configuration to be stale", &|| figure("config_stale_bool") == 1.0);
    assert_eq!(figure("config_loaded_bool"), 1.0, "the last good one runs");
    assert!(figure("update_errors_total") > errors);
    assert!(figure("updates_total") >= 2.0);
    let secret = "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/basic-auth\nmetadata: {name: missing, namespace: frr-k8s-system}\n\
                  stringData: {password: found}\n";
    cluster.apply_yaml(secret).unwrap();
    wait("the configuration to be new", &|| figure("config_stale_bool") == 0.0);
}

#[test]
fn tls_is_as_new_as_asked_for_and_its_certificate_too() {
    let Some(cluster) = cluster() else { return };
    let Some(install) = installs().pop() else { return };
    let (router, home) = (isolated(&install), Home::new());
    let serving = serve(&cluster, &router, &home, &[]);
    assert!(https::get_with(&serving.sessions, "/livez", None, &[&TLS12]).is_err(), "1.3 by default");
    assert!(https::get_with(&serving.sessions, "/livez", None, &[&TLS13]).is_ok());
    serving.agent.stop();
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(directory.path().join("tls.key"), key.serialize_pem()).unwrap();
        fs::write(directory.path().join("tls.crt"), certificate.pem()).unwrap();
        certificate.der().to_vec()
    };
    let first = put("first");
    let certificates = format!("--metrics-cert-dir={}", directory.path().display());
    let serving = serve(&cluster, &router, &home, &["--tls-min-version=VersionTLS12", &certificates]);
    let answer = https::get_with(&serving.sessions, "/livez", None, &[&TLS12]).unwrap();
    assert_eq!(answer.certificate, first);
    let second = put("second, and longer");
    wait_until(LIMIT, "the certificate to be taken anew", || {
        Ok(https::get(&serving.sessions, "/livez", None).is_ok_and(|answer| answer.certificate == second))
    })
    .unwrap();
}

#[test]
fn without_an_api_nobody_says_who_may_read() {
    let home = Home::new();
    let output = Command::new(EXECUTABLE)
        .args(["agent", "--node=n1", "--metrics-listen=127.0.0.1:0"])
        .arg(format!("--source=dir:{}", home.objects().display()))
        .arg(format!("--frr-sockets={}", home.state().display()))
        .arg(format!("--state-dir={}", home.state().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("need --source kube"), "{said}");
}

#[test]
fn an_frr_that_cannot_be_asked_is_an_error_that_is_counted() {
    on_each(|install| {
        let (mut router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let agent = Agent::start(Path::new(EXECUTABLE), &router, &home, &[]);
        agent.wait_for_reason("Applied");
        let all = || agent.get("/metrics").unwrap_or_default();
        wait_until(LIMIT, "the session", || Ok(all().contains("frrk8s_bgp_session_up{peer=\"192.0.2.3\"")))
            .unwrap();
        assert!(!all().contains("frrk8s_scrape_errors_total{"), "{}", all());
        router.kill(Daemon::Bgpd).unwrap();
        wait_until(LIMIT, "the error", || {
            let text = all();
            Ok(text.contains("frrk8s_scrape_errors_total{daemon=\"bgpd\"")
                && !text.contains("frrk8s_bgp_session_up"))
        })
        .unwrap();
        router.start_daemon(Daemon::Bgpd).unwrap();
        wait_until(LIMIT, "the session again", || {
            Ok(all().contains("frrk8s_bgp_session_up{peer=\"192.0.2.3\""))
        })
        .unwrap();
    });
}
