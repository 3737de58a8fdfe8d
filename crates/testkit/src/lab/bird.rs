use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::bgp::{BgpTable, Path};
use super::error::LabError;
use super::namespace::Namespace;
use super::process::{output_of, stop};
use super::sweep::own_prefix;
use super::wait::wait_until;

const START_LIMIT: Duration = Duration::from_secs(10);

/// A BIRD 2, the second implementation: a peer that reads our routes with other eyes than FRR's.
///
/// `hack/install-frr bird` installs it.
#[derive(Debug)]
pub struct Bird {
    process: Process,
    home: TempDir,
    _namespace: Namespace,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        stop([&mut self.0]);
    }
}

impl Bird {
    /// Starts BIRD with a configuration text, and waits until it answers.
    pub fn start(namespace: &Namespace, config: &str) -> Result<Self, LabError> {
        let home = TempDir::with_prefix(own_prefix())
            .map_err(LabError::io("cannot create the directory of bird"))?;
        let file = home.path().join("bird.conf");
        fs::write(&file, config).map_err(LabError::io("cannot write bird.conf"))?;
        let log = File::create(home.path().join("log")).map_err(LabError::io("cannot create bird's log"))?;
        let child = namespace
            .command("bird")
            .arg("-f")
            .arg("-c")
            .arg(&file)
            .arg("-s")
            .arg(home.path().join("ctl"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(LabError::io("cannot start bird"))?;
        let mut bird = Self { process: Process(child), home, _namespace: namespace.clone() };
        bird.await_answer()?;
        Ok(bird)
    }

    fn await_answer(&mut self) -> Result<(), LabError> {
        let mut ended = false;
        let answered = wait_until(START_LIMIT, "bird to answer", || {
            ended = !matches!(self.process.0.try_wait(), Ok(None));
            Ok(ended || self.show("status").map(|_| true)?)
        });
        if ended {
            let output = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            return Err(LabError::Command { command: "bird".to_owned(), output });
        }
        answered.map(drop)
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("ctl")
    }

    /// What `birdc show …` prints.
    pub fn show(&self, what: &str) -> Result<String, LabError> {
        let mut command = Command::new("birdc");
        command.arg("-r").arg("-s").arg(self.socket()).arg("show").args(what.split_whitespace());
        output_of(&mut command)
    }

    /// Whether the session of a protocol (by its name in the configuration) is up.
    pub fn established(&self, protocol: &str) -> Result<bool, LabError> {
        let shown = self.show("protocols")?;
        Ok(shown.lines().any(|line| {
            line.split_whitespace().next() == Some(protocol) && line.trim_end().ends_with("Established")
        }))
    }

    /// Every route that BIRD learned by BGP, in the same words as [`Router::bgp_table`](super::Router::bgp_table).
    pub fn bgp_table(&self) -> Result<BgpTable, LabError> {
        Ok(read_routes(&self.show("route all")?))
    }
}

/// Reads `show route all`: a line a path, with the prefix unless it is that of the path before; then its attributes,
/// indented by a tab.
fn read_routes(shown: &str) -> BgpTable {
    let mut table = BgpTable::new();
    let mut prefix = String::new();
    let mut is_bgp = false;
    for line in shown.lines() {
        if let Some(attribute) = line.strip_prefix('\t') {
            let path = table.get_mut(&prefix).and_then(|paths| paths.last_mut());
            if let (true, Some(path), Some(attribute)) = (is_bgp, path, attribute.strip_prefix("BGP.")) {
                read_attribute(path, attribute);
            }
            continue;
        }
        // 10.1.0.0/16          unicast [upstream 07:00:00.000 from 192.0.2.1] * (100) [AS64512i]
        let Some((begin, rest)) = line.split_once(" unicast [") else { continue };
        if !begin.trim().is_empty() {
            begin.trim().clone_into(&mut prefix);
        }
        is_bgp = line.ends_with("i]") || line.ends_with("e]") || line.ends_with("?]");
        if is_bgp {
            let peer = rest.split_whitespace().next().unwrap_or_default().to_owned();
            let best = rest.contains("] * (");
            table.entry(prefix.clone()).or_default().push(Path { peer, best, ..Path::default() });
        }
    }
    table
}

fn read_attribute(path: &mut Path, attribute: &str) {
    let Some((name, value)) = attribute.split_once(':') else { return };
    let value = value.trim();
    match name {
        "as_path" => value.clone_into(&mut path.as_path),
        "next_hop" => path.next_hops = value.split_whitespace().filter_map(|hop| hop.parse().ok()).collect(),
        "local_pref" => path.local_pref = value.parse().ok(),
        "med" => path.metric = value.parse().unwrap_or(0),
        "community" => path.communities = tuples(value).iter().map(|tuple| well_known(tuple)).collect(),
        "large_community" => path.large_communities = tuples(value),
        _ => {}
    }
}

/// `(64512,1) (64512,2)` and `(64512, 1, 2)` with colons.
fn tuples(value: &str) -> Vec<String> {
    value
        .split(')')
        .filter_map(|tuple| tuple.trim().strip_prefix('('))
        .map(|tuple| tuple.replace(',', ":").replace(' ', ""))
        .collect()
}

/// The names by which FRR prints some communities.
fn well_known(community: &str) -> String {
    match community {
        "65535:0" => "graceful-shutdown",
        "65535:666" => "blackhole",
        "65535:65281" => "no-export",
        "65535:65282" => "no-advertise",
        "65535:65283" => "local-AS",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_with_their_attributes() {
        let shown = "BIRD 2.0.12 ready.\nTable master4:\n\
            10.1.0.0/16          unicast [frr 07:00:00.000] * (100) [AS64512i]\n\
            \tvia 192.0.2.1 on e0\n\tType: BGP univ\n\tBGP.as_path: 64512\n\tBGP.next_hop: 192.0.2.1\n\
            \tBGP.community: (64512,1) (65535,65281)\n\tBGP.large_community: (64512, 1, 2)\n\
            192.0.2.0/24         unicast [direct1 07:00:00.000] * (240)\n\tdev e0\n";
        let expected = Path {
            peer: "frr".to_owned(),
            next_hops: vec!["192.0.2.1".parse().unwrap()],
            as_path: "64512".to_owned(),
            communities: vec!["64512:1".to_owned(), "no-export".to_owned()],
            large_communities: vec!["64512:1:2".to_owned()],
            best: true,
            ..Path::default()
        };
        assert_eq!(read_routes(shown), BgpTable::from([("10.1.0.0/16".to_owned(), vec![expected])]));
    }
}
