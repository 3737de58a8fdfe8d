//! A day in the life: changes that are valid, that conflict and that are broken, daemons and agents that are killed,
//! people who type. Again and again FRR runs what the agent says is in force, also while not all objects are in order;
//! at the end it runs the merge of what is valid, and nothing has leaked.
//!
//! `FRRK8S_SOAK_SECONDS` says how long it goes on (180 by default).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use frrk8s_document::Document;
use frrk8s_e2e::agent::{Agent, Home, LIMIT};
use frrk8s_e2e::{Difference, PlannedInput, compare, difference};
use frrk8s_testkit::lab::{Daemon, FrrInstall, LabError, Router, RouterOptions, installs, wait_until};
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
/// More is a leak: an agent of this size has a third of it.
const MEMORY_KIB_MAX: u64 = 64 * 1024;
/// How much more an agent may hold at the end than when it had settled first: what its allocator keeps of longer lists.
const GROWTH_KIB_MAX: u64 = 4 * 1024;
/// How many files more it may have open: it looks at sessions over sockets of their own, to bgpd and to bfdd, and makes
/// each when there is something to look at.
const FILES_MORE_MAX: usize = 2;
/// So many rounds at least are between the two: whoever forgets one file in a round is seen.
const CALM_ROUNDS: usize = 2 * (FILES_MORE_MAX + 1);
const OWNERS: u8 = 4;

/// What somebody has in their file.
#[derive(Clone, Debug)]
enum File {
    /// It goes together with everybody else's.
    Valid(String),
    /// It names another AS for neighbors that others may have as well.
    Conflicting(String),
    /// It cannot be read, or FRR refuses it.
    Broken,
    /// There is none.
    Gone,
}

/// The agent and bgpd, once everything had settled.
#[derive(Clone, Copy, Debug)]
struct Sample {
    agent: u32,
    files: usize,
    memory: u64,
}

struct Life {
    router: Router,
    home: Home,
    agent: Agent,
    random: TestRng,
    /// What each owner has in their file.
    files: [File; OWNERS as usize],
    /// Whether the agent has come since everybody agreed last.
    is_new_agent: bool,
    /// What was in force when everybody agreed last.
    agreed: [String; OWNERS as usize],
    /// Every name that objects of a life ever have in FRR: what is left of one that is gone is ours as well.
    names: Document,
    /// How often FRR was compared while an object had such a fate.
    fates: BTreeMap<String, usize>,
    /// Lines that people typed into the bgpd of now.
    typed: BTreeSet<String>,
    /// From here on neither the agent nor bgpd is killed: what they hold open only ever grows if they forget to close it.
    is_calm: bool,
}

impl Life {
    fn new(install: &FrrInstall) -> Self {
        let (router, home) = (Router::isolated(install, RouterOptions::default()).unwrap(), Home::new());
        let agent = start(&router, &home);
        Self {
            router,
            home,
            agent,
            random: TestRng::deterministic_rng(RngAlgorithm::ChaCha),
            files: std::array::from_fn(|_| File::Gone),
            is_new_agent: true,
            agreed: std::array::from_fn(|_| String::new()),
            names: names(),
            fates: BTreeMap::new(),
            typed: BTreeSet::new(),
            is_calm: false,
        }
    }

    fn below(&mut self, count: u32) -> u32 {
        self.random.random_range(0..count)
    }

    fn valid(&mut self, owner: u8) -> String {
        let prefixes: Vec<String> =
            (0..=self.below(12)).map(|at| format!("10.{owner}.{}.0/24", at * 7 % 31)).collect();
        let shared = (0..=self.below(3)).map(|at| format!("address: 192.0.2.{}", at + 3));
        let mut neighbors: Vec<String> = shared.collect();
        let mut profiles = String::new();
        if self.below(2) == 0 {
            neighbors.push(format!("address: 192.0.2.{}, bfdProfile: of-{owner}", 10 + owner));
            profiles = format!("{{name: of-{owner}, receiveInterval: {}}}", 100 * (4 + self.below(3)));
        }
        let neighbors: Vec<String> = neighbors
            .iter()
            .map(|who| format!("{{{who}, asn: 64513, toAdvertise: {{allowed: {{mode: all}}}}}}"))
            .collect();
        format!(
            "kind: FRRConfiguration\nmetadata: {{name: owner-{owner}}}\nspec: {{bgp: {{bfdProfiles: [{profiles}], \
             routers: [{{asn: 64512, prefixes: [{}], neighbors: [{}]}}]}}}}\n",
            prefixes.join(", "),
            neighbors.join(", ")
        )
    }

    fn put(&mut self, owner: u8, file: File, text: &str) {
        self.home.put(&file_name(owner), text);
        self.files[usize::from(owner)] = file;
    }

    /// Somebody changes their file: 15 ways, most of them in order.
    fn change(&mut self, owner: u8, way: u32) {
        let valid = self.valid(owner);
        let path = self.home.objects().join(file_name(owner));
        match way {
            0..=8 => self.put(owner, File::Valid(valid.clone()), &valid),
            // Not as a whole: somebody's editor, or a script that appends.
            9 => {
                let (first, rest) = valid.split_at(self.below(u32::try_from(valid.len()).unwrap()) as usize);
                fs::write(&path, first).unwrap();
                fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(rest.as_bytes()).unwrap();
                self.files[usize::from(owner)] = File::Valid(valid);
            }
            10 | 11 => {
                let conflicting = valid.replace("asn: 64513", "asn: 64599");
                self.put(owner, File::Conflicting(conflicting.clone()), &conflicting);
            }
            12 => self.put(owner, File::Broken, "kind: FRRConfiguration\nmetadata: {name: x\nspec: ["),
            13 => {
                let raw = "spec: {raw: {rawConfig: \"router bgp 64512\\n no such line\\n\"}, ";
                self.put(owner, File::Broken, &valid.replace("spec: {", raw));
            }
            _ => {
                drop(fs::remove_file(path));
                self.files[usize::from(owner)] = File::Gone;
            }
        }
    }

    /// Something happens to FRR or to the agent.
    fn disturb(&mut self) {
        match self.below(5) {
            0 | 1 => {
                let daemons = [Daemon::Bgpd, Daemon::Bgpd, Daemon::Bfdd, Daemon::Zebra];
                let daemon = daemons[self.below(4) as usize];
                if daemon != Daemon::Bgpd || !self.is_calm {
                    self.restart(daemon);
                }
            }
            2 if !self.is_calm => {
                let next = start(&self.router, &self.home);
                std::mem::replace(&mut self.agent, next).kill();
                self.is_new_agent = true;
            }
            // Whether FRR takes it depends on what it runs just then.
            2 | 3 => {
                let lines = ["router bgp 64512", "no neighbor 192.0.2.3"];
                drop(self.router.configure(Daemon::Bgpd, &lines));
            }
            _ => {
                let number = self.below(200);
                let line = format!("ip prefix-list people seq {} permit 172.16.{number}.0/24", number + 1);
                if self.router.configure(Daemon::Bgpd, &[&line]).is_ok_and(|refused| refused.is_empty()) {
                    self.typed.insert(line);
                }
            }
        }
    }

    fn restart(&mut self, daemon: Daemon) {
        self.router.kill(daemon).unwrap();
        self.router.start_daemon(daemon).unwrap();
        if daemon == Daemon::Bgpd {
            self.typed.clear();
        }
    }

    fn happen(&mut self) {
        let owner = self.owner();
        match self.below(20) {
            way @ 0..=14 => self.change(owner, way),
            _ => self.disturb(),
        }
    }

    fn owner(&mut self) -> u8 {
        u8::try_from(self.below(OWNERS.into())).unwrap()
    }

    /// Everybody agrees again; FRR must come to run it.
    fn settle(&mut self) {
        for owner in 0..OWNERS {
            self.change(owner, 0);
        }
        self.await_what_is_in_force(|report| report["reason"] == "Applied");
        self.agreed = std::array::from_fn(|owner| {
            let File::Valid(text) = &self.files[owner] else { panic!("{:?}", self.files[owner]) };
            text.clone()
        });
        self.is_new_agent = false;
    }

    /// From what everybody agreed on, each owner changes their file once or not at all, most of them in a way that is not
    /// in order: a version that is kept is then the one that was agreed on. FRR must come to run what the agent says is in
    /// force.
    fn disagree(&mut self) {
        for owner in 0..OWNERS {
            let way = self.below(15);
            match self.below(3) {
                0 => self.change(owner, way),
                1 => self.change(owner, 10 + way % 5),
                _ => {}
            }
            if self.below(4) == 0 {
                self.disturb();
            }
        }
        let report = self.await_what_is_in_force(|_| true);
        for object in report["objects"].as_array().unwrap() {
            *self.fates.entry(object["fate"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }

    /// The versions that are in force by a report; `None` where it cannot be about the files of now.
    fn in_force(&self, report: &Value) -> Option<String> {
        let objects = report["objects"].as_array()?;
        let is_peaceful = !self.files.iter().any(|file| matches!(file, File::Conflicting(_)));
        let has_broken = self.files.iter().any(|file| matches!(file, File::Broken));
        let mut all = String::new();
        for (owner, file) in self.files.iter().enumerate() {
            let name = format!("frr-k8s-system/owner-{owner}");
            let object = objects.iter().find(|object| object["object"] == *name);
            let fate = object.and_then(|object| object["fate"].as_str());
            match (fate, file) {
                (Some("Accepted"), File::Valid(text) | File::Conflicting(text)) => all += text,
                (Some("LastAccepted"), File::Broken) => all += &self.agreed[owner],
                (Some("LastAccepted"), File::Valid(_) | File::Conflicting(_)) if !is_peaceful => {
                    all += &self.agreed[owner];
                }
                (None, File::Gone) => {}
                // Nobody knows what a file had that the agent has never been able to read: it may be that object.
                (Some("LastAccepted"), File::Gone) if self.is_new_agent && has_broken => {
                    all += &self.agreed[owner];
                }
                // Whose last version does not go together with what somebody senior has now. Of a file that cannot be
                // read, nobody knows then whose it is.
                (Some("Rejected"), _) | (None, File::Broken) if !is_peaceful => {}
                _ => return None,
            }
            all += "---\n";
        }
        Some(all)
    }

    /// Waits until a pass has begun and ended from now on, and FRR runs what is in force by the report, in every daemon,
    /// and what people typed.
    fn await_what_is_in_force(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        self.agent.wait_for_passes(2);
        let mut report = Value::Null;
        let runs_it = || {
            report = self.agent.report();
            let Some(objects) = self.in_force(&report).filter(|_| is_it(&report)) else {
                return Ok(false);
            };
            Ok(self.difference(&objects)?.is_none())
        };
        let waited = wait_until(LIMIT, "FRR to run what is in force", runs_it);
        if waited.is_err() {
            let log = fs::read_to_string(self.home.log()).unwrap();
            let log: Vec<&str> = log.lines().rev().take(60).collect();
            println!("{}", log.into_iter().rev().collect::<Vec<_>>().join("\n"));
            let objects = self.in_force(&report).filter(|_| is_it(&report));
            let objects = objects.unwrap_or_else(|| panic!("{:#?}\n{report:#}", self.files));
            if let Some((daemon, wanted, found)) = self.difference(&objects).unwrap() {
                compare(&format!("{report:#}\n{daemon}"), &wanted, &found);
            }
            panic!("too late");
        }
        let text = self.router.running_config(Daemon::Bgpd).unwrap();
        let lost: Vec<_> = self.typed.iter().filter(|line| !text.lines().any(|it| it == *line)).collect();
        assert!(lost.is_empty(), "{lost:#?}\n{text}");
        report
    }

    /// A daemon that runs something else than the plan of these objects.
    fn difference(&self, objects: &str) -> Result<Option<Difference>, LabError> {
        difference(&self.router, &PlannedInput::read(objects), &[&self.names])
    }

    /// Takes a sample of an agent that has settled.
    fn sample(&self) -> Sample {
        let [memory, _] = self.agent.memory();
        assert!((1..=MEMORY_KIB_MAX).contains(&memory), "{memory} KiB");
        Sample { agent: self.agent.pid(), files: fewest_open_files(self.agent.pid()), memory }
    }

    /// The agent of the sample has no more open and hardly more in memory than then; bgpd no more than a new one.
    fn check_leaks(&mut self, before: Sample) {
        let after = self.sample();
        println!("{before:?}, then {after:?}");
        assert_eq!(after.agent, before.agent, "another agent");
        assert!(
            after.files <= before.files + FILES_MORE_MAX,
            "open files of the agent: {before:?}, then {after:?}"
        );
        assert!(after.memory <= before.memory + GROWTH_KIB_MAX, "{before:?}, then {after:?}");
        assert_eq!(children(after.agent), [] as [u32; 0], "the agent has children");
        let kept = fs::read_dir(self.home.state()).unwrap().count();
        assert!(kept <= 4, "{kept} generations");
        // Whoever has come to an old bgpd and gone is not there any more.
        let (old, kinds) = (fewest_open_files(self.bgpd()), open_files(self.bgpd()));
        self.restart(Daemon::Bgpd);
        self.settle();
        let mut new = Vec::new();
        let waited = wait_until(LIMIT, "a new bgpd to have as much open", || {
            new = open_files(self.bgpd());
            Ok(new.len() >= old)
        });
        println!("open files of bgpd: {old}, of a new one {}", new.len());
        assert!(waited.is_ok(), "{kinds:#?}, of a new one {new:#?}");
    }

    fn bgpd(&self) -> u32 {
        let number = fs::read_to_string(self.router.run_directory().join("bgpd.pid")).unwrap();
        number.trim().parse().unwrap()
    }
}

fn file_name(owner: u8) -> String {
    format!("{owner}.yaml")
}

fn names() -> Document {
    let neighbors: Vec<String> =
        [3, 4, 5, 6, 10, 11, 12, 13].map(|at| format!("{{address: 192.0.2.{at}, asn: 64513}}")).into();
    let text = format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 64512, neighbors: [{}]}}]}}}}\n",
        neighbors.join(", ")
    );
    PlannedInput::read(&text).plan().document
}

/// The fewest files that a process has open while one looks for a second: passes, and whoever asks, open some for a moment.
fn fewest_open_files(process: u32) -> usize {
    let until = Instant::now() + Duration::from_secs(1);
    let mut fewest = usize::MAX;
    while Instant::now() < until {
        fewest = fewest.min(open_files(process).len());
        thread::sleep(Duration::from_millis(5));
    }
    fewest
}

/// What a process has open.
fn open_files(process: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    // Some are closed while one looks.
    let links = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.map(|link| link.display().to_string()).collect()
}

/// The children of a process, whichever of its threads started them.
fn children(process: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        // One that has ended meanwhile is nobody's child.
        let status = fs::read_to_string(entry.path().join("status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        (parent.trim() == process.to_string()).then_some(number)
    });
    processes.collect()
}

fn start(router: &Router, home: &Home) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, &["--conflict-policy=quarantine"])
}

#[test]
fn a_day_in_the_life() {
    let seconds =
        std::env::var("FRRK8S_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(180);
    let (begin, length) = (Instant::now(), Duration::from_secs(seconds));
    thread::scope(|scope| {
        for install in installs() {
            scope.spawn(move || {
                let mut life = Life::new(&install);
                let (mut events, mut rounds, mut sample) = (0, 0, None);
                let mut calm_rounds = 0;
                while begin.elapsed() < length || calm_rounds < CALM_ROUNDS {
                    for _ in 0..=life.below(30) {
                        life.happen();
                        events += 1;
                    }
                    let is_well = || Ok(life.agent.get("/healthz").is_some());
                    wait_until(LIMIT, "the agent to say that it is well", is_well).unwrap();
                    life.settle();
                    life.disagree();
                    life.settle();
                    rounds += 1;
                    if sample.is_some() {
                        calm_rounds += 1;
                    } else if begin.elapsed() >= length * 2 / 3 {
                        life.is_calm = true;
                        sample = Some(life.sample());
                    }
                }
                life.check_leaks(sample.unwrap());
                println!("FRR {}: {events} events in {rounds} rounds, {:?}", install.release(), life.fates);
                for fate in ["Accepted", "LastAccepted", "Rejected"] {
                    assert!(life.fates.contains_key(fate), "never compared with an object {fate}");
                }
            });
        }
    });
}
