//! FRR or the agent is restarted under a graceful restart: no route leaves a kernel, the node's or its peer's.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use frrk8s_e2e::agent::on_each;
use frrk8s_e2e::scenario::{Duo, Families, kernel_routes, objects};
use frrk8s_testkit::lab::{Daemon, Host, LabError, Namespace, RouterOptions, wait_until};
use tempfile::NamedTempFile;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
const LIMIT: Duration = Duration::from_mins(1);

const OBJECT: &str = "asn: 64512
id: 192.0.2.1
prefixes: [10.1.0.0/16]
neighbors:
- address: 192.0.2.2
  asn: 65001
  connectTime: 1s
  enableGracefulRestart: true
  toAdvertise: {allowed: {mode: all}}
  toReceive: {allowed: {mode: all}}
";

/// The kernel's own record of the routes that come and go in a namespace.
struct Witness {
    child: Child,
    record: NamedTempFile,
}

impl Witness {
    fn of(namespace: &Namespace) -> Self {
        let record = NamedTempFile::new().unwrap();
        let output = File::create(record.path()).unwrap();
        let mut command = namespace.command("ip");
        command.args(["monitor", "route"]).stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let witness = Self { child: command.spawn().unwrap(), record };
        // It is there when it sees something: a route that nobody else has.
        wait_until(LIMIT, "the kernel's record to begin", || {
            for act in ["replace", "del"] {
                namespace.run("ip", &["route", act, "blackhole", "100.64.0.1/32"])?;
            }
            Ok(!witness.text().is_empty())
        })
        .unwrap();
        witness
    }

    fn text(&self) -> String {
        fs::read_to_string(self.record.path()).unwrap_or_default()
    }

    /// Which of BGP's routes went. Where zebra puts another IPv6 route in the place of one, the kernel records that the
    /// one went, and the other one next.
    fn gone(&self) -> Vec<String> {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        let prefix = |line: &str| line.split(' ').next().map(str::to_owned);
        let went = lines.iter().enumerate().filter_map(|(at, line)| {
            let route = line.strip_prefix("Deleted ").filter(|line| line.contains("proto bgp"))?;
            let is_replaced = lines.get(at + 1).is_some_and(|next| prefix(next) == prefix(route));
            (!is_replaced).then(|| (*line).to_owned())
        });
        went.collect()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The routes of both are in both kernels.
fn establish(duo: &mut Duo) {
    let object = Families::Both.object(&objects(&[OBJECT])[0]);
    duo.subject.put(vec![object]);
    wait_for_routes(duo, "before");
    duo.subject.wait_in_force("before");
    // The peer helps only when it has heard the end of all of it.
    let helps = || {
        let shown = duo.peer.show_json(Daemon::Bgpd, "show bgp neighbors 192.0.2.1 json")?;
        let end = |way: &str| shown["192.0.2.1"]["gracefulRestartInfo"][way]["ipv4Unicast"] == true;
        Ok(end("endOfRibRecv") && end("endOfRibSend"))
    };
    wait_until(LIMIT, "the end of the first exchange", helps).unwrap();
}

fn wait_for_routes(duo: &Duo, what: &str) {
    for (from, own, others) in
        [("192.0.2.", "10.1.0.0/16", "10.9.0.0/16"), ("2001:db8::", "fd00:a01::/32", "fd00:a09::/32")]
    {
        duo.wait_received(what, &format!("{from}1"), &[own]);
        duo.wait_believed(what, &format!("{from}2"), &[others]);
    }
    for (host, routes) in
        [(&duo.host, ["10.9.0.0/16", "fd00:a09::/32"]), (&duo.peer_host, ["10.1.0.0/16", "fd00:a01::/32"])]
    {
        let has_them = || -> Result<bool, LabError> {
            Ok(kernel_routes(&host.namespace)?.iter().map(ToString::to_string).eq(routes))
        };
        wait_until(LIMIT, &format!("{what}: {routes:?} in the kernel"), has_them).unwrap();
    }
}

/// Whatever is done to the node, no route leaves the kernels of these, and in the end all is as it was.
fn nothing_goes(duo: &mut Duo, (what, hosts): (&str, &[Host]), act: impl FnOnce(&mut Duo)) {
    let witnesses: Vec<Witness> = hosts.iter().map(|host| Witness::of(&host.namespace)).collect();
    act(duo);
    wait_for_routes(duo, what);
    duo.subject.wait_in_force(what);
    for (host, witness) in hosts.iter().zip(&witnesses) {
        let (release, record) = (duo.peer.install().release(), witness.text());
        assert_eq!(witness.gone(), [""; 0], "{what} on FRR {release}: of {}\n{record}", host.v4);
    }
}

/// The node and its peer.
fn both(duo: &Duo) -> [Host; 2] {
    [duo.host.clone(), duo.peer_host.clone()]
}

/// Waits until both sessions have come up again at the peer.
fn wait_again(duo: &Duo, before: u64) {
    let is_again = || Ok(duo.ends().far.counters()?.established > before && duo.ends().is_up()?);
    wait_until(LIMIT, "the session to come up again", is_again).unwrap();
}

fn options() -> RouterOptions {
    // As upstream starts it: routes of the kernel are kept for so long, for bgpd to find them there.
    RouterOptions { zebra_arguments: vec!["-K".to_owned(), "120".to_owned()], ..RouterOptions::default() }
}

#[test]
fn the_peer_keeps_its_routes_while_bgpd_is_restarted() {
    on_each(|install| {
        let Some(mut duo) = Duo::start(Path::new(EXECUTABLE), install, options()) else { return };
        establish(&mut duo);
        let before = duo.ends().far.counters().unwrap().established;
        // When bgpd alone is restarted, zebra takes the node's routes away as soon as a neighbor comes back that is not
        // told yet to restart gracefully: always where `vtysh -f` tells it, on both versions; seldom where the agent does.
        let peer = [duo.peer_host.clone()];
        nothing_goes(&mut duo, ("bgpd is restarted", &peer), |duo| {
            duo.subject.router.kill(Daemon::Bgpd).unwrap();
            duo.subject.router.start_daemon(Daemon::Bgpd).unwrap();
            wait_again(duo, before);
        });
    });
}

#[test]
fn routes_stay_while_all_of_frr_is_restarted() {
    on_each(|install| {
        let Some(mut duo) = Duo::start(Path::new(EXECUTABLE), install, options()) else { return };
        establish(&mut duo);
        let before = duo.ends().far.counters().unwrap().established;
        let hosts = both(&duo);
        nothing_goes(&mut duo, ("FRR is restarted", &hosts), |duo| {
            let daemons =
                Daemon::ALL.into_iter().filter(|it| *it != Daemon::Mgmtd || install.version().has_mgmtd());
            let daemons: Vec<Daemon> = daemons.collect();
            for daemon in daemons.iter().rev() {
                duo.subject.router.kill(*daemon).unwrap();
            }
            for daemon in &daemons {
                duo.subject.router.start_daemon(*daemon).unwrap();
            }
            wait_again(duo, before);
        });
    });
}

#[test]
fn an_agent_that_is_restarted_touches_nothing() {
    on_each(|install| {
        let Some(mut duo) = Duo::start(Path::new(EXECUTABLE), install, options()) else { return };
        establish(&mut duo);
        let before = duo.ends().counters().unwrap();
        let hosts = both(&duo);
        nothing_goes(&mut duo, ("the agent is restarted", &hosts), |duo| {
            duo.subject.restart_agent();
            duo.subject.agent.wait_for_reason("Applied");
        });
        assert_eq!(duo.ends().counters().unwrap(), before);
    });
}
