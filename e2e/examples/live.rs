//! The second half of `make demo`: the agent beside a real FRR, and what a second router sees of it. With `--stay`,
//! `make lab`: everything is left running.
#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_testkit::lab::{
    BgpTable, Daemon, Family, FrrInstall, FrrVersion, LabError, Pair, Router, wait_until,
};
use serde_json::Value;

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
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [objects, rest @ ..] = &words[..] else {
        println!("usage: live OBJECTS [--stay]");
        return ExitCode::from(2);
    };
    match run(Path::new(objects), rest.iter().any(|word| word == "--stay")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The two routers, and the agent beside the first.
struct Story {
    pair: Pair,
    home: Home,
    agent: Agent,
}

const NODE: [&str; 2] = ["--node=worker-1", "--always-block=10.96.0.0/12"];

fn start(home: &Home, router: &Router, policy: &str) -> Agent {
    let options = [NODE[0], NODE[1], policy];
    Agent::start(Path::new("frrk8s"), router, home, &options)
}

fn run(objects: &Path, stay: bool) -> Result<(), LabError> {
    let install = FrrInstall::find(FrrVersion::V8_4)?;
    println!(
        "two network namespaces, worker-1 and tor, joined by a cable; FRR {} in each,",
        install.release()
    );
    println!("and on worker-1 the agent, beside FRR: frrk8s agent --source dir:objects {}", NODE.join(" "));
    let pair = Pair::start(&install, &install)?;
    let lines: Vec<&str> = TOR.lines().map(str::trim).collect();
    for line in pair.b.router.configure(Daemon::Bgpd, &lines)? {
        println!("  refused: {} ({})", line.line, line.text.trim());
    }
    let home = Home::new();
    let agent = start(&home, &pair.a.router, "--conflict-policy=freeze");
    agent.wait_for_reason("Idle");
    let mut story = Story { pair, home, agent };
    story.owners(objects)?;
    story.change()?;
    story.conflict(objects)?;
    story.refused_line();
    story.lost_daemon()?;
    if stay {
        story.stay();
    }
    Ok(())
}

impl Story {
    fn node(&self) -> &Router {
        &self.pair.a.router
    }

    fn tor(&self) -> &Router {
        &self.pair.b.router
    }

    /// Waits until tor has these routes from the node.
    fn wait_for_routes(&self, what: &str, prefixes: &[&str]) -> Result<Duration, LabError> {
        let mut expected = prefixes.to_vec();
        expected.sort_unstable();
        wait_until(LIMIT, what, || {
            let seen = table(self.tor(), "192.0.2.1")?;
            let mut seen: Vec<&str> = seen.keys().map(String::as_str).collect();
            seen.sort_unstable();
            Ok(seen == expected)
        })
    }

    fn owners(&mut self, objects: &Path) -> Result<(), LabError> {
        println!("\n── a. The files of three owners appear");
        let mut files: Vec<_> = fs::read_dir(objects)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(LabError::io("cannot read the objects"))?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            let text = fs::read_to_string(file.path()).map_err(LabError::io("cannot read an object"))?;
            let name = file.file_name().to_string_lossy().into_owned();
            println!("  $ cp {name} objects/");
            self.home.put(&name, &text);
        }
        let started = Instant::now();
        let report = self.agent.wait_for_reason("Applied");
        let report = if report["objects"].as_array().is_some_and(|objects| objects.len() == 3) {
            report
        } else {
            self.agent.wait_for("three objects", |report| {
                report["reason"] == "Applied"
                    && report["objects"].as_array().is_some_and(|all| all.len() == 3)
            })
        };
        say_report(&report);
        say_apply(&report);
        say_time("applied", "the files", started);
        let time = self.tor().wait_established("192.0.2.1", None, LIMIT)?;
        println!("  tor: the session with worker-1 is Established after {:.1} s", time.as_secs_f64());
        wait_until(LIMIT, "the routes that are allowed, and no others", || {
            let seen = table(self.tor(), "192.0.2.1")?;
            Ok(EXPECTED.len() == seen.len() && EXPECTED.iter().all(|route| matches(route, &seen)))
        })?;
        say_time("all routes are at tor", "the files", started);
        self.say_table()?;
        wait_until(LIMIT, "what the node takes", || Ok(table(self.node(), "192.0.2.2")?.keys().eq(TAKEN)))?;
        println!("\n  worker-1 takes {} from tor,", TAKEN.join(" and "));
        println!("  and neither 172.16.0.0/12 (nobody allows it) nor 10.96.7.0/24 (always blocked)");
        Ok(())
    }

    fn say_table(&self) -> Result<(), LabError> {
        println!("\n  {:<22}{:<18}{:>10}  communities", "tor's table: prefix", "next hop", "local pref");
        for (prefix, paths) in &table(self.tor(), "192.0.2.1")? {
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
        Ok(())
    }

    fn change(&mut self) -> Result<(), LabError> {
        println!("\n── b. MetalLB gives a service another address: 203.0.113.10 becomes 203.0.113.12");
        let path = self.home.objects().join("3-metallb.yaml");
        let text = fs::read_to_string(path).map_err(LabError::io("cannot read an object"))?;
        let started = Instant::now();
        self.home.put("3-metallb.yaml", &text.replace("203.0.113.10/32", "203.0.113.12/32"));
        let routes = ["10.244.1.0/24", "2001:db8:244:1::/64", "203.0.113.11/32", "203.0.113.12/32"];
        self.wait_for_routes("the other address", &routes)?;
        say_time("tor has the new route, and no longer the old one,", "the file", started);
        let report = self.agent.wait_for_reason("Applied");
        say_apply(&report);
        Ok(())
    }

    fn conflict(&mut self, objects: &Path) -> Result<(), LabError> {
        println!("\n── c. Somebody says that tor is in another AS: under freeze the node stays as it is");
        let rival = objects.join("../conflict/rival.yaml");
        let rival = fs::read_to_string(rival).map_err(LabError::io("cannot read an object"))?;
        self.home.put("rival.yaml", &rival);
        let started = Instant::now();
        let report = self.agent.wait_for_reason("Frozen");
        say_report(&report);
        say_time("frozen", "the file", started);
        println!("  under quarantine the junior object is set aside, and the rest is in force:");
        let quarantining = start(&self.home, self.node(), "--conflict-policy=quarantine");
        let freezing = std::mem::replace(&mut self.agent, quarantining);
        freezing.stop();
        let started = Instant::now();
        let report = self.agent.wait_for_reason("Quarantined");
        say_report(&report);
        say_time("set aside", "the other agent had ended", started);
        self.tor().wait_established("192.0.2.1", None, LIMIT)?;
        println!("  tor: the session was not touched");
        self.home.remove("rival.yaml");
        let started = Instant::now();
        self.agent.wait_for_reason("Applied");
        say_time("everything is in force", "the file is removed", started);
        Ok(())
    }

    fn refused_line(&self) {
        println!("\n── d. A raw line that FRR refuses is rolled back, and its object named");
        let raw = "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n\
                   metadata: {name: hand-written, namespace: frr-k8s-system}\n\
                   spec: {raw: {rawConfig: \"router bgp 64512\\n neighbor 192.0.2.2 sparkle\\n\"}}\n";
        self.home.put("raw.yaml", raw);
        let started = Instant::now();
        let report = self.agent.wait_for("the refused line", |report| {
            let findings = report["findings"].as_array();
            findings.is_some_and(|findings| findings.iter().any(|finding| finding["rule"] == "frr-refused"))
        });
        for finding in report["findings"].as_array().into_iter().flatten() {
            let word = |name: &str| finding[name].as_str().unwrap_or_default();
            println!("  {}[{}] {} {}", word("severity"), word("rule"), word("object"), word("path"));
            println!("    {}", word("message"));
        }
        say_report(&report);
        say_time("refused, taken back, verified and named", "the file", started);
        self.home.remove("raw.yaml");
        let started = Instant::now();
        self.agent.wait_for_reason("Applied");
        say_time("everything is in force", "the file is removed", started);
    }

    fn lost_daemon(&mut self) -> Result<(), LabError> {
        println!("\n── e. bgpd is killed, and started again with nothing");
        self.pair.a.router.kill(Daemon::Bgpd)?;
        let started = Instant::now();
        let report = self.agent.wait_for("bgpd to be missed", |report| report["reason"] != "Applied");
        say_report(&report);
        say_time("missed", "its death", started);
        self.pair.a.router.start_daemon(Daemon::Bgpd)?;
        let started = Instant::now();
        let report = self.agent.wait_for_reason("Applied");
        say_time("put back and verified", "its start", started);
        say_apply(&report);
        let routes = ["10.244.1.0/24", "2001:db8:244:1::/64", "203.0.113.11/32", "203.0.113.12/32"];
        self.wait_for_routes("the routes again", &routes)?;
        say_time("all routes are at tor", "its start", started);
        Ok(())
    }

    /// Leaves everything to people.
    fn stay(&self) {
        println!("\n── everything runs on until Enter is pressed");
        println!("  objects   {}", self.home.objects().display());
        println!("  agent     frrk8s status --address {}", self.agent.address());
        for (name, router) in [("worker-1", self.node()), ("tor", self.tor())] {
            println!("  {name:<10}vtysh -N {}", router.pathspace());
        }
        let _ = std::io::stdin().read_line(&mut String::new());
    }
}

fn say_report(report: &Value) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!("  agent: {}: {}", word(&report["reason"]), word(&report["message"]));
    for object in report["objects"].as_array().into_iter().flatten() {
        println!("    {:<13}{}", word(&object["fate"]), word(&object["object"]));
    }
}

fn say_time(what: &str, after: &str, started: Instant) {
    println!("  {what} {} ms after {after}", started.elapsed().as_millis());
}

fn say_apply(report: &Value) {
    let apply = &report["lastApply"];
    let milliseconds = apply["sendingMilliseconds"].as_f64().unwrap_or_default();
    println!(
        "  agent: told FRR {} lines in {milliseconds:.1} ms, and read back that it runs them",
        apply["lines"]
    );
}

/// What a router has from a peer, over both families.
fn table(router: &Router, peer: &str) -> Result<BgpTable, LabError> {
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
