//! A day in the life: changes that are valid, that conflict and that are broken, daemons and agents that are killed,
//! people who type; at the end FRR runs the merge of what is valid, and nothing has leaked.
//!
//! `FRRK8S_SOAK_SECONDS` says how long it goes on (180 by default).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use frrk8s_document::{Daemon as Kept, Document};
use frrk8s_e2e::agent::{Agent, Home, LIMIT};
use frrk8s_e2e::{PlannedInput, compare, dialect, read_back};
use frrk8s_testkit::lab::{Daemon, FrrInstall, Router, RouterOptions, installs, wait_until};
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
/// More is a leak: an agent of this size has a third of it.
const MEMORY_KIB_MAX: u64 = 64 * 1024;
const FILES_MAX: usize = 64;

struct Life {
    router: Router,
    home: Home,
    agent: Agent,
    random: TestRng,
}

impl Life {
    fn new(install: &FrrInstall) -> Self {
        let (router, home) = (Router::isolated(install, RouterOptions::default()).unwrap(), Home::new());
        let agent = start(&router, &home);
        Self { router, home, agent, random: TestRng::deterministic_rng(RngAlgorithm::ChaCha) }
    }

    fn below(&mut self, count: u32) -> u32 {
        self.random.random_range(0..count)
    }

    fn valid(&mut self, owner: u32) -> String {
        let prefixes: Vec<String> =
            (0..=self.below(12)).map(|at| format!("10.{owner}.{}.0/24", at * 7 % 31)).collect();
        let neighbors: Vec<String> = (0..=self.below(3))
            .map(|at| {
                format!(
                    "{{address: 192.0.2.{}, asn: 64513, toAdvertise: {{allowed: {{mode: all}}}}}}",
                    at + 3
                )
            })
            .collect();
        format!(
            "kind: FRRConfiguration\nmetadata: {{name: owner-{owner}}}\nspec: {{bgp: {{routers: [{{asn: 64512, \
             prefixes: [{}], neighbors: [{}]}}]}}}}\n",
            prefixes.join(", "),
            neighbors.join(", ")
        )
    }

    fn happen(&mut self) {
        let owner = self.below(4);
        let file = format!("{owner}.yaml");
        match self.below(20) {
            0..=8 => {
                let object = self.valid(owner);
                self.home.put(&file, &object);
            }
            // Not as a whole: somebody's editor, or a script that appends.
            9 => {
                let object = self.valid(owner);
                let path = self.home.objects().join(&file);
                let (first, rest) =
                    object.split_at(self.below(u32::try_from(object.len()).unwrap()) as usize);
                fs::write(&path, first).unwrap();
                fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(rest.as_bytes()).unwrap();
            }
            10 | 11 => {
                let conflicting = self.valid(owner).replace("asn: 64513", "asn: 64599");
                self.home.put(&file, &conflicting);
            }
            12 => self.home.put(&file, "kind: FRRConfiguration\nmetadata: {name: x\nspec: ["),
            13 => {
                let refused = self
                    .valid(owner)
                    .replace("spec: {", "spec: {raw: {rawConfig: \"router bgp 64512\\n no such line\\n\"}, ");
                self.home.put(&file, &refused);
            }
            14 => drop(fs::remove_file(self.home.objects().join(&file))),
            15 | 16 => {
                let daemon = [Daemon::Bgpd, Daemon::Bgpd, Daemon::Bfdd, Daemon::Zebra][owner as usize];
                self.router.kill(daemon).unwrap();
                self.router.start_daemon(daemon).unwrap();
            }
            17 => {
                let next = start(&self.router, &self.home);
                std::mem::replace(&mut self.agent, next).kill();
            }
            // Whether FRR takes it depends on what it runs just then.
            18 => drop(self.router.configure(Daemon::Bgpd, &["router bgp 64512", "no neighbor 192.0.2.3"])),
            _ => {
                let line = format!("ip prefix-list people seq {} permit 172.16.{owner}.0/24", owner + 1);
                drop(self.router.configure(Daemon::Bgpd, &[line]));
            }
        }
    }

    /// Everybody agrees again; FRR must come to run it.
    fn settle(&mut self) {
        for owner in 0..4 {
            let object = self.valid(owner);
            self.home.put(&format!("{owner}.yaml"), &object);
        }
        let report = self.agent.wait_for("the last word", |report| {
            report["reason"] == "Applied"
                && report["objects"].as_array().is_some_and(|objects| objects.len() == 4)
        });
        let objects: String = (0..4)
            .map(|owner| {
                fs::read_to_string(self.home.objects().join(format!("{owner}.yaml"))).unwrap() + "---\n"
            })
            .collect();
        let input = PlannedInput::read(&objects);
        // Applied may have been said of what was there a moment before.
        let runs_it = || {
            let running = read_back(&self.router, &[])?;
            let planned = input.plan_against(running.get(&Kept::Bgpd)).document;
            let wanted = dialect(&self.router).by_daemon(&planned);
            Ok(wanted.get(&Kept::Bgpd) == running.get(&Kept::Bgpd))
        };
        let waited = wait_until(LIMIT, "FRR to run the merge", runs_it);
        if waited.is_err() {
            let running = read_back(&self.router, &[]).unwrap();
            let planned = input.plan_against(running.get(&Kept::Bgpd)).document;
            let mut desired = dialect(&self.router).by_daemon(&planned);
            let desired = desired.remove(&Kept::Bgpd).unwrap_or_default();
            let runs: Document = running.get(&Kept::Bgpd).cloned().unwrap_or_default();
            compare(&format!("{report:#}"), &desired, &runs);
        }
    }

    fn check_leaks(&self) {
        let process = format!("/proc/{}", self.agent.pid());
        let files = fs::read_dir(format!("{process}/fd")).unwrap().count();
        assert!(files <= FILES_MAX, "{files} open files");
        let [memory, _] = self.agent.memory();
        assert!((1..=MEMORY_KIB_MAX).contains(&memory), "{memory} KiB");
        let children =
            fs::read_to_string(format!("{process}/task/{}/children", self.agent.pid())).unwrap_or_default();
        assert_eq!(children.trim(), "", "the agent has children");
        let kept = fs::read_dir(self.home.state()).unwrap().count();
        assert!(kept <= 4, "{kept} generations");
    }
}

fn start(router: &Router, home: &Home) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, &["--conflict-policy=quarantine"])
}

#[test]
fn a_day_in_the_life() {
    let seconds =
        std::env::var("FRRK8S_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(180);
    let until = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|scope| {
        for install in installs() {
            scope.spawn(move || {
                let mut life = Life::new(&install);
                let (mut events, mut rounds) = (0, 0);
                while Instant::now() < until {
                    for _ in 0..=life.below(30) {
                        life.happen();
                        events += 1;
                    }
                    let is_well = || Ok(life.agent.get("/healthz").is_some());
                    wait_until(LIMIT, "the agent to say that it is well", is_well).unwrap();
                    life.settle();
                    rounds += 1;
                }
                life.check_leaks();
                println!("FRR {}: {events} events in {rounds} rounds", install.release());
            });
        }
    });
}
