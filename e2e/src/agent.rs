//! The agent as a process beside a router of the lab.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use frrk8s_testkit::lab::{Daemon, FrrInstall, LabError, Router, RouterOptions, installs, wait_until};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that the agent does by itself, on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Tests on each version of FRR, each in a thread of its own.
pub fn on_each(test: impl Fn(&FrrInstall) + Sync) {
    thread::scope(|scope| {
        for install in installs() {
            let test = &test;
            scope.spawn(move || test(&install));
        }
    });
}

/// A router that nobody else can reach.
pub fn isolated(install: &FrrInstall) -> Router {
    Router::isolated(install, RouterOptions::default()).unwrap()
}

/// Directories of an agent: they outlive it.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// Empty ones.
    pub fn new() -> Self {
        let home = Self { directory: TempDir::new().unwrap() };
        fs::create_dir(home.objects()).unwrap();
        home
    }

    /// Where the objects are.
    pub fn objects(&self) -> PathBuf {
        self.directory.path().join("objects")
    }

    /// Where the last good configuration is.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// FRR's start-up file.
    pub fn frr_config(&self) -> PathBuf {
        self.directory.path().join("frr.conf")
    }

    /// Where the agent logs.
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Writes a file of objects as a whole.
    pub fn put(&self, name: &str, yaml: &str) {
        let unfinished = self.directory.path().join(name);
        fs::write(&unfinished, yaml).unwrap();
        fs::rename(unfinished, self.objects().join(name)).unwrap();
    }

    /// Removes a file of objects.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.objects().join(name)).unwrap();
    }
}

/// An object with one router of AS 64512.
pub fn object(name: &str, router: &str, more: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}}}\n\
         spec: {{bgp: {{routers: [{{asn: 64512, {router}}}]}}{more}}}\n"
    )
}

/// The neighbor 192.0.2.N of AS 6451N, as the only one of a router.
pub fn neighbor(number: u8, more: &str) -> String {
    format!("neighbors: [{{address: 192.0.2.{number}, asn: 6451{number}{more}}}]")
}

/// What bgpd runs.
pub fn bgpd(router: &Router) -> String {
    router.running_config(Daemon::Bgpd).unwrap()
}

/// Waits until bgpd runs something.
///
/// # Panics
///
/// When it does not in time.
pub fn wait_for_config(router: &Router, what: &str, is_it: impl Fn(&str) -> bool) {
    wait_for_config_of(router, Daemon::Bgpd, what, is_it);
}

/// Waits until a daemon runs something.
///
/// # Panics
///
/// When it does not in time.
pub fn wait_for_config_of(router: &Router, daemon: Daemon, what: &str, is_it: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = wait_until(LIMIT, what, || {
        last = router.running_config(daemon).unwrap_or_default();
        Ok(is_it(&last))
    });
    assert!(waited.is_ok(), "{waited:?}\n{last}");
}

/// The findings of a report with a rule.
pub fn findings<'a>(report: &'a Value, rule: &str) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter(|finding| finding["rule"] == rule).collect()
}

/// An agent that runs. It is killed when it goes out of scope.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Agent {
    /// Starts one of this executable over a router.
    pub fn start(executable: &Path, router: &Router, home: &Home, options: &[&str]) -> Self {
        Self::start_at(executable, router.run_directory(), home, options)
    }

    /// Starts one over the sockets in a directory.
    pub fn start_at(executable: &Path, sockets: &Path, home: &Home, options: &[&str]) -> Self {
        let source = format!("--source=dir:{}", home.objects().display());
        let options: Vec<&str> = [source.as_str()].into_iter().chain(options.iter().copied()).collect();
        Self::start_with(executable, sockets, home, &options)
    }

    /// Starts one with the sources that the options name.
    pub fn start_with(executable: &Path, sockets: &Path, home: &Home, options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_listening((executable, &format!("127.0.0.1:{port}")), sockets, home, options)
    }

    /// Starts one that is to answer at an address.
    pub fn start_listening(
        (executable, address): (&Path, &str),
        sockets: &Path,
        home: &Home,
        options: &[&str],
    ) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(home.log()).unwrap();
        let child = Command::new(executable)
            .arg("agent")
            .arg(format!("--frr-sockets={}", sockets.display()))
            .arg(format!("--frr-config={}", home.frr_config().display()))
            .arg(format!("--state-dir={}", home.state().display()))
            .arg(format!("--listen={address}"))
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, address: address.to_owned(), log: home.log() }
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it answers; `None` while it does not.
    pub fn get(&self, path: &str) -> Option<String> {
        let mut response = ureq::get(format!("http://{}{path}", self.address)).call().ok()?;
        response.body_mut().read_to_string().ok()
    }

    /// What it answers to a wish.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn post(&self, path: &str) -> String {
        let mut response = ureq::post(format!("http://{}{path}", self.address)).send_empty().unwrap();
        response.body_mut().read_to_string().unwrap()
    }

    /// Its report.
    pub fn report(&self) -> Value {
        self.get("/status").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Waits for a report.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.wait_long_for(LIMIT, what, is_it)
    }

    /// Waits for a report as long as that.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub fn wait_long_for(&self, limit: Duration, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let waited = wait_until(limit, what, || {
            last = self.report();
            Ok(is_it(&last))
        });
        self.expect(&waited, &last);
        last
    }

    /// Sends it a signal, as kill names it: `-STOP`.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }

    /// Waits until the last pass came to this.
    pub fn wait_for_reason(&self, reason: &str) -> Value {
        self.wait_for(&format!("the agent to be {reason}"), |report| report["reason"] == reason)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until its log has a line with all of these words.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub fn wait_for_log(&self, words: &[&str]) {
        let says = |text: &str| text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        let waited = wait_until(LIMIT, &format!("{words:?} in the log"), || Ok(says(&self.log())));
        self.expect(&waited, &self.report());
    }

    fn expect<T>(&self, waited: &Result<T, LabError>, last: &Value) {
        if let Err(error) = waited {
            let log = self.log();
            panic!("{error}\n{last:#}\n{log}");
        }
    }

    /// What it holds in memory now, and at most: `VmRSS` and `VmHWM`, in KiB.
    pub fn memory(&self) -> [u64; 2] {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        ["VmRSS:", "VmHWM:"].map(|name| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            value.and_then(|value| value.parse().ok()).unwrap_or_default()
        })
    }

    /// A figure of its metrics. They follow the report: the last pass may not be in them yet.
    ///
    /// # Panics
    ///
    /// Where it has none.
    pub fn figure(&self, name: &str) -> f64 {
        let text = self.get("/metrics").unwrap_or_else(|| panic!("no answer: {name}"));
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}\n{text}"))
    }

    /// Waits for so many passes more. The first may have begun before; the second saw everything that is so now.
    pub fn wait_for_passes(&self, count: usize) -> Value {
        let mut report = self.report();
        for _ in 0..count {
            let passed = report["passedAt"].clone();
            // Who ends a pause that is none wakes it: a busy one looks seldom by itself.
            ureq::post(format!("http://{}/resume", self.address)).send_empty().ok();
            report = self.wait_for("another pass", |report| {
                report["passedAt"].is_string() && report["passedAt"] != passed
            });
        }
        report
    }

    /// How many lines it told FRR until now: another pass is over, so the figures have those before it.
    pub fn lines_told(&self) -> u64 {
        self.wait_for_passes(1);
        // A counter, and a small one.
        format!("{:.0}", self.figure("frrk8s_lines_sent_total")).parse().unwrap()
    }

    /// Whether somebody has killed it.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Kills it as nothing can be killed more, and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// The same of one that is kept for what it logged.
    pub fn kill_in_place(&mut self) {
        self.end();
    }

    /// Tells it to end, and waits until it has.
    pub fn stop(mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.end();
    }
}
