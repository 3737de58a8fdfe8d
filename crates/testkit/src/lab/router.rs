use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use super::error::LabError;
use super::install::{Daemon, FrrInstall, FrrVersion};
use super::namespace::Namespace;
use super::process::{make_frr_directories, output_of, stop};
use super::sweep::{
    FRR_ETC, FRR_RUN, FRR_STATE, NAMESPACES, own_prefix, remove_crash_directory, unique_name,
};
use super::vty::{Refused, VtySocket, is_refusal};
use super::wait::wait_until;

/// Starting takes 0.1 s; much more on a machine that is busy with a build.
const START_LIMIT: Duration = Duration::from_secs(20);
const LOG_TAIL_BYTES: usize = 4096;

/// How a router is started.
#[derive(Clone, Debug)]
pub struct RouterOptions {
    /// The daemons to run, all by default; those that the version lacks are left out.
    pub daemons: Vec<Daemon>,
    /// VRFs, each a namespace under the name it has in FRR's configuration. The router sees these and no others,
    /// so two routers can each have a VRF `red`.
    pub vrfs: Vec<(String, Namespace)>,
    /// More arguments for bgpd.
    pub bgpd_arguments: Vec<String>,
    /// More arguments for zebra.
    pub zebra_arguments: Vec<String>,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            daemons: Daemon::ALL.to_vec(),
            vrfs: Vec::new(),
            bgpd_arguments: Vec::new(),
            zebra_arguments: Vec::new(),
        }
    }
}

/// One FRR: a set of daemons that share a pathspace (`-N`), empty when it starts.
#[derive(Debug)]
pub struct Router {
    // First, so that the daemons have ended before their directories and namespaces go.
    daemons: Running,
    home: Home,
    install: FrrInstall,
    options: RouterOptions,
    vrf_stage: Option<TempDir>,
    namespace: Option<Namespace>,
}

impl Router {
    /// Starts a router in a namespace, and waits until every daemon answers.
    pub fn start(
        install: &FrrInstall,
        namespace: &Namespace,
        options: RouterOptions,
    ) -> Result<Self, LabError> {
        Self::start_in(install, Some(namespace.clone()), options)
    }

    /// Starts a router in an empty namespace of its own: to load a whole configuration and read it back.
    pub fn isolated(install: &FrrInstall, options: RouterOptions) -> Result<Self, LabError> {
        Self::start_in(install, Some(Namespace::new("isolated")?), options)
    }

    /// Starts bgpd alone, without zebra, namespace and listening: the cheapest thing that reads BGP configuration.
    /// Its running configuration begins with `bgp no-rib`.
    pub fn bgpd_alone(install: &FrrInstall) -> Result<Self, LabError> {
        let arguments = ["-Z", "-S", "-n", "-p", "0"].map(str::to_owned).to_vec();
        let options = RouterOptions {
            daemons: vec![Daemon::Bgpd],
            bgpd_arguments: arguments,
            ..RouterOptions::default()
        };
        Self::start_in(install, None, options)
    }

    fn start_in(
        install: &FrrInstall,
        namespace: Option<Namespace>,
        options: RouterOptions,
    ) -> Result<Self, LabError> {
        let mut router = Self {
            daemons: Running::default(),
            home: Home::make(unique_name("frr"))?,
            install: install.clone(),
            vrf_stage: stage_vrfs(&options.vrfs)?,
            options,
            namespace,
        };
        router.start_all()?;
        Ok(router)
    }

    /// Back to empty, by new daemons (0.1 s): exact where taking back lines is not, because FRR keeps things that
    /// have no `no`.
    pub fn wipe(&mut self) -> Result<(), LabError> {
        self.daemons.stop_all();
        self.home.empty()?;
        self.start_all()
    }

    fn start_all(&mut self) -> Result<(), LabError> {
        let mut wanted = self.options.daemons.clone();
        wanted.sort();
        wanted.retain(|daemon| *daemon != Daemon::Mgmtd || self.install.version().has_mgmtd());
        for &daemon in &wanted {
            self.spawn(daemon)?;
            // The others are its clients, and one that comes too early tries again only after 10 s.
            if matches!(daemon, Daemon::Mgmtd | Daemon::Zebra) {
                self.await_answer(daemon)?;
            }
        }
        for &daemon in &wanted {
            self.await_answer(daemon)?;
        }
        self.await_mgmtd_clients()?;
        self.await_vrfs()
    }

    /// Starts one daemon again after [`Router::kill`] or its own end, and waits until it answers.
    pub fn start_daemon(&mut self, daemon: Daemon) -> Result<(), LabError> {
        self.daemons.stop(daemon);
        self.spawn(daemon)?;
        self.await_answer(daemon)
    }

    /// Kills one daemon as a crash would: it has no time for farewells.
    pub fn kill(&mut self, daemon: Daemon) -> Result<(), LabError> {
        let child = self.daemons.0.get_mut(&daemon).ok_or(LabError::NoSuchDaemon { daemon })?;
        child.kill().map_err(LabError::io(format!("cannot kill {daemon}")))?;
        child.wait().map(drop).map_err(LabError::io(format!("cannot wait for {daemon}")))
    }

    /// Whether a daemon is running.
    pub fn is_alive(&mut self, daemon: Daemon) -> bool {
        self.daemons.0.get_mut(&daemon).is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn spawn(&mut self, daemon: Daemon) -> Result<(), LabError> {
        let output = self.home.run.join(format!("{daemon}.out"));
        let output =
            File::create(&output).map_err(LabError::io(format!("cannot create {}", output.display())))?;
        let errors = output.try_clone().map_err(LabError::io("cannot share a file"))?;
        let mut command = self.command(daemon);
        command.args(["-N", &self.home.pathspace, "-P", "0"]);
        if self.namespace.is_some() {
            command.args(["-u", "frr", "-g", "frr"]);
        }
        let log = self.home.run.join(format!("{daemon}.log"));
        command.arg("--log").arg(format!("file:{}", log.display())).args(["--log-level", "warnings"]);
        command.args(self.namespaces_as_vrfs(daemon));
        command.args(match daemon {
            Daemon::Bgpd => &self.options.bgpd_arguments[..],
            Daemon::Zebra => &self.options.zebra_arguments[..],
            _ => &[],
        });
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(LabError::io(format!("cannot start {daemon}")))?;
        self.daemons.0.insert(daemon, child);
        Ok(())
    }

    /// The option by which a daemon takes each namespace for a VRF: 8.4 has it in zebra alone.
    fn namespaces_as_vrfs(&self, daemon: Daemon) -> Option<&'static str> {
        match (self.install.version(), daemon) {
            _ if self.options.vrfs.is_empty() => None,
            (FrrVersion::V10_3, _) => Some("-w"),
            (FrrVersion::V8_4, Daemon::Zebra) => Some("-n"),
            (FrrVersion::V8_4, _) => None,
        }
    }

    /// The daemon's program inside the router's namespace, seeing the router's VRFs.
    fn command(&self, daemon: Daemon) -> Command {
        // `ip netns exec` has given the program a mount namespace of its own: what the script mounts is seen by the
        // daemon alone, and goes with it.
        const SEE_VRFS: &str = r#"
            stage=$1; shift
            while [ "$1" != -- ]; do mount --bind "$2" "$stage/$1"; shift 2; done
            shift
            mount --rbind "$stage" "$0"
            exec "$@""#;
        let program = self.install.program(daemon);
        let Some(namespace) = &self.namespace else { return Command::new(program) };
        let Some(stage) = &self.vrf_stage else { return namespace.command(program) };
        let mut command = namespace.command("sh");
        command.args(["-ec", SEE_VRFS, NAMESPACES]).arg(stage.path().join("netns"));
        for (vrf, namespace) in &self.options.vrfs {
            command.arg(vrf).arg(namespace.path());
        }
        command.arg("--").arg(program);
        command
    }

    fn await_answer(&mut self, daemon: Daemon) -> Result<(), LabError> {
        let socket = self.socket(daemon);
        let child = self.daemons.0.get_mut(&daemon).ok_or(LabError::NoSuchDaemon { daemon })?;
        let mut ended = None;
        wait_until(START_LIMIT, &format!("{daemon} to answer"), || {
            ended = child.try_wait().map_err(LabError::io(format!("cannot ask for {daemon}")))?;
            Ok(ended.is_some() || VtySocket::connect(&socket).map(|_| true)?)
        })?;
        match ended {
            Some(status) => {
                Err(LabError::DaemonEnded { daemon, status: status.to_string(), log: self.log(daemon) })
            }
            None => Ok(()),
        }
    }

    /// mgmtd gives each of its clients the configuration, some 50 ms after it has come, and answers "running datastore
    /// locked by another session" to everybody else meanwhile: waits until that is over.
    fn await_mgmtd_clients(&self) -> Result<(), LabError> {
        let runs = |daemon| self.daemons.0.contains_key(&daemon);
        if !runs(Daemon::Mgmtd) {
            return Ok(());
        }
        let clients = [Daemon::Zebra, Daemon::Staticd].into_iter().filter(|client| runs(*client)).count();
        wait_until(START_LIMIT, "mgmtd to be done with its clients", || {
            let shown = self.vty(Daemon::Mgmtd)?.command("show mgmt backend-adapter all")?.text;
            Ok(mgmtd_has_served(&shown, clients))
        })
        .map(drop)
    }

    fn await_vrfs(&self) -> Result<(), LabError> {
        if self.options.vrfs.is_empty() || !self.daemons.0.contains_key(&Daemon::Zebra) {
            return Ok(());
        }
        wait_until(START_LIMIT, "zebra to see the VRFs", || {
            let shown = self.vty(Daemon::Zebra)?.command("show vrf")?.text;
            Ok(self.options.vrfs.iter().all(|(vrf, _)| shown.contains(&format!("vrf {vrf} id"))))
        })
        .map(drop)
    }

    /// The FRR that runs.
    pub fn install(&self) -> &FrrInstall {
        &self.install
    }

    /// The pathspace: what vtysh wants as `-N`.
    pub fn pathspace(&self) -> &str {
        &self.home.pathspace
    }

    /// Where the daemons keep sockets, pids and logs.
    pub fn run_directory(&self) -> &Path {
        &self.home.run
    }

    /// Where FRR looks for this router's `frr.conf`.
    pub fn config_directory(&self) -> &Path {
        &self.home.etc
    }

    /// The vty socket of a daemon.
    pub fn socket(&self, daemon: Daemon) -> PathBuf {
        self.home.run.join(format!("{daemon}.vty"))
    }

    /// A new connection to a daemon.
    pub fn vty(&self, daemon: Daemon) -> Result<VtySocket, LabError> {
        VtySocket::connect(&self.socket(daemon))
    }

    /// Sends configuration lines to one daemon as one batch; what it refused. See [`VtySocket::configure`].
    pub fn configure<S: AsRef<str>>(&self, daemon: Daemon, lines: &[S]) -> Result<Vec<Refused>, LabError> {
        self.vty(daemon)?.configure(lines)
    }

    /// What one daemon runs, with passwords in clear.
    pub fn running_config(&self, daemon: Daemon) -> Result<String, LabError> {
        self.vty(daemon)?.running_config()
    }

    /// What the router runs as a whole, as vtysh puts it together.
    pub fn show_running_config(&self) -> Result<String, LabError> {
        output_of(self.vtysh().args(["-c", "show running-config"]))
    }

    /// vtysh of this router, to be given arguments.
    pub fn vtysh(&self) -> Command {
        let mut command = Command::new(self.install.vtysh());
        command.args(["-N", &self.home.pathspace]);
        command
    }

    /// Runs a `show … json` of one daemon. A `warning` such as that there is no such VRF is JSON as well.
    pub fn show_json(&self, daemon: Daemon, command: &str) -> Result<Value, LabError> {
        let reply = self.vty(daemon)?.command(command)?;
        serde_json::from_str(&reply.text)
            .map_err(|_| LabError::NotJson { command: command.to_owned(), text: reply.text })
    }

    /// Loads a whole configuration file as a user does, by `vtysh -f`; what was refused, in the file's order.
    ///
    /// vtysh does not tell the daemons' answers apart: those that name no line come last, as one entry with an empty
    /// line.
    pub fn load(&self, config: &str) -> Result<Vec<Refused>, LabError> {
        let mut file = NamedTempFile::with_prefix(own_prefix())
            .map_err(LabError::io("cannot create a temporary file"))?;
        file.write_all(config.as_bytes()).map_err(LabError::io("cannot write a temporary file"))?;
        let output = self
            .vtysh()
            .arg("-f")
            .arg(file.path())
            .stdin(Stdio::null())
            .output()
            .map_err(LabError::io("cannot run vtysh"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        let refused = refused_by_vtysh(config, &said, &complaints);
        if refused.is_empty() && !output.status.success() {
            return Err(LabError::Command {
                command: "vtysh -f".to_owned(),
                output: format!("{complaints}{said}"),
            });
        }
        Ok(refused)
    }

    /// The last of what a daemon logged and printed.
    pub fn log(&self, daemon: Daemon) -> String {
        let read = |suffix| {
            let bytes = fs::read(self.home.run.join(format!("{daemon}.{suffix}"))).unwrap_or_default();
            String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
        };
        format!("{}{}", read("out"), read("log"))
    }
}

/// `line 7: % Unknown command[4]: …` on standard error, from 10.x once a daemon; the daemons' own words on standard
/// output.
fn refused_by_vtysh(config: &str, said: &str, complaints: &str) -> Vec<Refused> {
    let lines: Vec<&str> = config.lines().collect();
    let mut numbered: Vec<(usize, &str)> = complaints
        .lines()
        .filter_map(|complaint| {
            let (number, text) = complaint.strip_prefix("line ")?.split_once(": ")?;
            Some((number.parse().ok()?, text))
        })
        .collect();
    numbered.sort_unstable();
    numbered.dedup();
    let mut refused: Vec<Refused> = numbered
        .into_iter()
        .map(|(number, text)| Refused {
            line: number.checked_sub(1).and_then(|index| lines.get(index)).unwrap_or(&"").trim().to_owned(),
            text: text.to_owned(),
        })
        .collect();
    if is_refusal(said) {
        refused.push(Refused { line: String::new(), text: said.to_owned() });
    }
    refused
}

/// Whether mgmtd has given so many clients their first configuration, by `show mgmt backend-adapter all`.
///
/// A client is greeted by one message. Each that comes causes one transaction, of four messages (begin, data, apply,
/// end) to every client that is there: the first of them has seen them all. Asking for the lock instead would hold it,
/// and put off what is waited for.
fn mgmtd_has_served(shown: &str, clients: usize) -> bool {
    let sent =
        shown.lines().filter_map(|line| line.trim().strip_prefix("Msg-Sent:")?.trim().parse::<usize>().ok());
    clients == 0 || sent.max().is_some_and(|most| most > 4 * clients)
}

/// A directory with an empty file a VRF, for the daemons to mount the namespaces upon.
fn stage_vrfs(vrfs: &[(String, Namespace)]) -> Result<Option<TempDir>, LabError> {
    if vrfs.is_empty() {
        return Ok(None);
    }
    let act = || LabError::io("cannot prepare the directory of the VRFs");
    let stage = TempDir::with_prefix(own_prefix()).map_err(act())?;
    // Not the temporary directory itself, which FRR's user may not enter.
    let netns = stage.path().join("netns");
    fs::create_dir(&netns).map_err(act())?;
    for (vrf, _) in vrfs {
        File::create(netns.join(vrf)).map_err(act())?;
    }
    Ok(Some(stage))
}

/// The daemons of a router; dropped, they end.
#[derive(Debug, Default)]
struct Running(BTreeMap<Daemon, Child>);

impl Running {
    fn stop_all(&mut self) {
        stop(self.0.values_mut());
        for (daemon, child) in std::mem::take(&mut self.0) {
            remove_crash_directory(daemon, child.id());
        }
    }

    fn stop(&mut self, daemon: Daemon) {
        if let Some(mut child) = self.0.remove(&daemon) {
            stop([&mut child]);
            remove_crash_directory(daemon, child.id());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_all();
    }
}

/// The directories of a pathspace; dropped, they go.
#[derive(Debug)]
struct Home {
    pathspace: String,
    run: PathBuf,
    etc: PathBuf,
}

impl Home {
    fn make(pathspace: String) -> Result<Self, LabError> {
        let home = Self {
            run: Path::new(FRR_RUN).join(&pathspace),
            etc: Path::new(FRR_ETC).join(&pathspace),
            pathspace,
        };
        home.fill()?;
        Ok(home)
    }

    fn fill(&self) -> Result<(), LabError> {
        make_frr_directories(&[&self.run, &self.etc])?;
        // Without this file, vtysh complains at every call.
        fs::write(self.etc.join("vtysh.conf"), "service integrated-vtysh-config\n")
            .map_err(LabError::io("cannot write vtysh.conf"))
    }

    fn empty(&self) -> Result<(), LabError> {
        self.remove();
        self.fill()
    }

    fn remove(&self) {
        for directory in [&self.run, &self.etc, &Path::new(FRR_STATE).join(&self.pathspace)] {
            // Absent where it was never made; anything else is swept by the next process.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vtysh_names_a_line_once_a_daemon_and_we_name_it_once() {
        let config = "ip prefix-list a permit any\nbogus\n";
        let complaints = "line 2: % Unknown command[4]: bogus\nline 2: % Unknown command[4]: bogus\n[1|zebra] failure: 2\n";
        let expected = Refused { line: "bogus".to_owned(), text: "% Unknown command[4]: bogus".to_owned() };
        assert_eq!(refused_by_vtysh(config, "[1|zebra] sending configuration\n", complaints), [expected]);
    }

    #[test]
    fn mgmtd_has_served_both_clients_when_the_first_saw_two_transactions() {
        let shown = |zebra, staticd| {
            format!(
                "Client: zebra\n  Msg-Sent: \t\t{zebra}\n  Client: staticd\n  Msg-Sent: \t\t{staticd}\n  Total: 2\n"
            )
        };
        assert!(!mgmtd_has_served(&shown(1, 1), 2));
        assert!(!mgmtd_has_served(&shown(5, 5), 2));
        assert!(mgmtd_has_served(&shown(9, 5), 2));
        assert!(mgmtd_has_served("", 0));
    }

    #[test]
    fn a_batch_that_a_daemon_refused_without_a_line_is_seen() {
        let said = "% Configuration failed.\n\nError type: validation\n";
        let expected = Refused { line: String::new(), text: said.to_owned() };
        assert_eq!(refused_by_vtysh("", said, ""), [expected]);
    }
}
