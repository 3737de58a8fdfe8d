//! The standard path: what the existing FRR-K8s does for a change, which is frr-reload.py `--test`, then `--reload`, then
//! `show running-config`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frrk8s_e2e::fleet::Fleet;
use frrk8s_testkit::lab::{Daemon, FrrVersion, LabError, Router};

use crate::bounded::{Took, best, bounded, run};
use crate::ours::SETTLE_LIMIT;
use crate::settings::{Settings, Size};
use crate::state::{FRONT, State};

/// What the standard path needs for the standard rendering.
#[derive(Clone, Copy, Debug)]
pub struct Theirs {
    /// `--reload` alone, on an empty FRR.
    pub first_load: Took,
    /// One prefix more or fewer, at the front. `None`: FRR could not be brought to run the configuration in time.
    pub prefix: Option<Took>,
    /// One prefix fewer or more for one neighbor, at the front of its list.
    pub neighbor: Option<Took>,
    /// The sessions that had everything before the changes.
    pub sessions: usize,
}

/// A router with the file that it is to run.
struct Standard<'a> {
    settings: &'a Settings,
    size: Size,
    router: &'a mut Router,
    fleet: &'a Fleet,
    file: PathBuf,
}

impl Standard<'_> {
    fn write(&self, text: &str) -> Result<(), LabError> {
        fs::write(&self.file, text).map_err(LabError::io("cannot write the file to reload"))
    }

    /// Reloads another state: the whole path, or `--reload` alone.
    fn change(&self, state: State) -> Result<Took, LabError> {
        self.write(&state.standard(self.size))?;
        path(self.router, &self.file, self.settings.limit)
    }

    fn first_load(&self) -> Result<Took, LabError> {
        self.write(&State::Base.standard(self.size))?;
        let deadline = Instant::now() + self.settings.limit;
        bounded(|| reload(self.router, "--reload", &self.file, deadline))
    }

    /// Brings an empty FRR to the base by a way that is quicker. Whether it came there in time.
    fn set_up(&mut self) -> Result<bool, LabError> {
        self.router.wipe()?;
        let deadline = Instant::now() + self.settings.setup_limit;
        let many = self.size.neighbors * self.size.prefixes > 5_000;
        let mut rest = State::Base.standard(self.size);
        if many && self.router.install().version() == FrrVersion::V8_4 {
            // To bgpd alone, list by list: vtysh would tell each line to three daemons, and 8.4 is quadratic in each.
            for list in State::Base.standard_lists(self.size) {
                if Instant::now() > deadline {
                    return Ok(false);
                }
                let mut vty = self.router.vty(Daemon::Bgpd)?;
                vty.set_reply_limit(self.settings.setup_limit);
                match vty.configure(&list) {
                    Err(LabError::TimedOut { .. }) => return Ok(false),
                    told => drop(told?),
                }
            }
            rest = State::Base.standard_rest(self.size);
        }
        self.write(&rest)?;
        let mut load = self.router.vtysh();
        load.arg("-f").arg(&self.file);
        run(load, deadline)
    }

    fn settle(&self) -> usize {
        let (size, fleet) = (self.size, self.fleet);
        fleet.wait_sent(self.router, SETTLE_LIMIT, |at| Some(State::Base.count(size, at)))
    }

    /// There and back, while all of it takes less than the limit. The shortest: no other would be better for the
    /// standard path.
    fn there_and_back(&self, [there, back]: [State; 2]) -> Result<Took, LabError> {
        let started = Instant::now();
        let mut all = Vec::new();
        for state in [there, back].into_iter().cycle().take(2 * self.settings.standard_runs) {
            all.push(self.change(state)?);
            let ended = all.iter().all(|took| took.ended);
            if !ended || (state == back && started.elapsed() > self.settings.limit / 3) {
                break;
            }
        }
        Ok(best(&all))
    }
}

/// Measures the standard path on the standard rendering, from an empty router.
pub fn measure(
    settings: &Settings,
    size: Size,
    (router, fleet): (&mut Router, &Fleet),
) -> Result<Theirs, LabError> {
    let file = router.config_directory().join("reload.conf");
    let mut standard = Standard { settings, size, router, fleet, file };
    let first_load = standard.first_load()?;
    let is_loaded = first_load.ended || standard.set_up()?;
    if !is_loaded {
        return Ok(Theirs { first_load, prefix: None, neighbor: None, sessions: 0 });
    }
    let sessions = standard.settle();
    let neighbor = standard.there_and_back([State::FrontWithheld, State::Base])?;
    if !neighbor.ended && !standard.set_up()? {
        return Ok(Theirs { first_load, prefix: None, neighbor: Some(neighbor), sessions });
    }
    let sessions = sessions.min(standard.settle());
    let prefix = standard.there_and_back([State::Front, State::Base])?;
    Ok(Theirs { first_load, prefix: Some(prefix), neighbor: Some(neighbor), sessions })
}

/// Measures the standard path on our rendering: what a router runs that the agent has configured and left, with one
/// prefix more, and without it again.
pub fn on_our_rendering(settings: &Settings, router: &Router) -> Result<Took, LabError> {
    let shown = router.show_running_config()?;
    let base: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("frr version")).collect();
    let base = base.join("\n") + "\n";
    let texts = [with_front(&base), base];
    let file = router.config_directory().join("reload.conf");
    let mut all = Vec::new();
    for text in texts.iter().cycle().take(2 * settings.standard_runs) {
        fs::write(&file, text).map_err(LabError::io("cannot write the file to reload"))?;
        let took = path(router, &file, settings.limit)?;
        all.push(took);
        if !took.ended {
            break;
        }
    }
    Ok(best(&all))
}

/// The text with the prefix that comes and goes: an entry behind those of our only list, and its `network`.
fn with_front(text: &str) -> String {
    let is_entry = |line: &&str| line.starts_with("ip prefix-list frrk8s-");
    let last = text.lines().rfind(is_entry).unwrap();
    let name = last.split(' ').nth(2).unwrap();
    let entry = format!("{last}\nip prefix-list {name} seq 65000 permit {FRONT}\n");
    let network = format!("  network {FRONT}\n  network ");
    text.replacen(&format!("{last}\n"), &entry, 1).replacen("  network ", &network, 1)
}

fn path(router: &Router, file: &Path, limit: Duration) -> Result<Took, LabError> {
    let deadline = Instant::now() + limit;
    bounded(|| {
        let mut show = router.vtysh();
        show.args(["-c", "show running-config"]);
        Ok(reload(router, "--test", file, deadline)?
            && reload(router, "--reload", file, deadline)?
            && run(show, deadline)?)
    })
}

fn reload(router: &Router, mode: &str, file: &Path, deadline: Instant) -> Result<bool, LabError> {
    let install = router.install();
    let mut command = std::process::Command::new("python3");
    command.arg(install.reload_script()).args([mode, "--stdout", "--log-level", "error", "--bindir"]);
    command.arg(install.vtysh().parent().unwrap()).arg("--rundir").arg(router.run_directory());
    command.args(["--pathspace", router.pathspace()]).arg(file);
    run(command, deadline)
}
