//! Routers of every version, and the ways to them.

use std::collections::BTreeMap;

use frrk8s_delta::{Batch, Command, Delta, Documents};
use frrk8s_document::{Daemon, Dialect, Document, Mark, Text};
use frrk8s_frr::{AnyTransport, Change, FrrError, Limits, Refusal, Reload, Sockets, Transport, Vtysh};
use frrk8s_render::divide;
use frrk8s_testkit::case::samples;
use frrk8s_testkit::lab::{self, Router, RouterOptions};

/// A way to FRR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Sockets,
    Vtysh,
    Reload,
}

impl Way {
    /// Those that send the delta itself.
    pub const OF_DELTAS: [Self; 2] = [Self::Sockets, Self::Vtysh];
    pub const ALL: [Self; 3] = [Self::Sockets, Self::Vtysh, Self::Reload];

    pub fn to(self, router: &Router, limits: Limits) -> AnyTransport {
        let install = router.install();
        let vtysh = Vtysh::new(install.vtysh()).with_pathspace(router.pathspace()).with_limits(limits);
        match self {
            Self::Sockets => AnyTransport::Sockets(Sockets::new(router.run_directory()).with_limits(limits)),
            Self::Vtysh => AnyTransport::Vtysh(vtysh),
            Self::Reload => AnyTransport::Reload(Reload::new(install.reload_script(), vtysh)),
        }
    }
}

/// A router, one of the ways to it, and what to call the two.
pub struct Ground {
    pub router: Router,
    pub transport: AnyTransport,
    pub name: String,
    pub way: Way,
}

/// Every version, each way to an empty router of its own.
pub fn grounds(ways: &[Way]) -> impl Iterator<Item = Ground> {
    lab::installs().into_iter().flat_map(move |install| {
        ways.iter().map(move |way| {
            let router = Router::isolated(&install, RouterOptions::default()).unwrap();
            let name = format!("{way:?} to FRR {}", install.release());
            Ground { transport: way.to(&router, Limits::default()), router, name, way: *way }
        })
    })
}

impl Ground {
    /// How often a change has to be sent. frr-reload.py does not reach everything at once: where a neighbor loses its BFD
    /// profile and keeps BFD, it takes away both.
    pub fn sends(&self) -> usize {
        if self.way == Way::Reload { 2 } else { 1 }
    }

    /// The samples that a way can take. frr-reload.py of 8.4 says `neighbor … graceful-restart` twice, which FRR refuses.
    pub fn samples<'a>(&self, names: &'a [&'a str]) -> &'a [&'a str] {
        let taken = |name: &&str| self.way != Way::Reload || *name != "graceful-restart";
        let count = names.iter().take_while(|name| taken(name)).count();
        &names[..count]
    }

    pub fn dialect(&self) -> Dialect {
        Dialect::new(self.router.install().release().parse().unwrap())
    }

    /// What of ours the daemons run. `known` is what is ours beside what is so by name.
    pub async fn runs(&mut self, known: &[&Document]) -> Documents {
        let dialect = self.dialect();
        let mut documents = BTreeMap::new();
        for &daemon in dialect.daemons() {
            let text = self.transport.running(daemon).await.unwrap();
            let ours = divide(dialect.read(&Text::parse(&text)), known).ours;
            documents.insert(daemon, comparable(daemon, ours));
        }
        documents
    }

    /// What they are to run.
    pub fn wants(&self, document: &Document) -> Documents {
        let mut documents = self.dialect().by_daemon(&self.dialect().as_printed(document.clone()));
        if self.dialect().version().major < 10 {
            documents.remove(&Daemon::Mgmtd);
        }
        let parts = self.dialect().daemons().iter();
        let part = |daemon| (daemon, comparable(daemon, documents.remove(&daemon).unwrap_or_default()));
        parts.copied().map(part).collect()
    }

    /// Sends commands to bgpd in one batch.
    pub async fn tell(&mut self, lines: &[&str]) -> Result<Vec<Refusal>, FrrError> {
        self.send(&delta(Daemon::Bgpd, lines), "").await
    }

    pub async fn send(&mut self, delta: &Delta, desired: &str) -> Result<Vec<Refusal>, FrrError> {
        self.transport.send(&Change { delta, desired }).await
    }

    /// What bgpd runs.
    pub async fn bgpd(&mut self) -> String {
        self.transport.running(Daemon::Bgpd).await.unwrap()
    }
}

/// Without the lists that vtysh leaves in daemons that are no home to them, and without the name of the machine, which
/// vtysh shows where there is none.
fn comparable(daemon: Daemon, document: Document) -> Document {
    let lines = document.into_lines().into_iter().filter(|line| {
        let is_policy = ["route-map ", "ip prefix-list ", "ipv6 prefix-list "]
            .iter()
            .any(|start| line.text().starts_with(start));
        !(line.text().starts_with("hostname ") || is_policy && daemon != Daemon::Bgpd)
    });
    Document::new(lines.collect())
}

/// A delta of one batch of lines, each with the lines of its contexts before it, by ` / `.
pub fn delta(daemon: Daemon, lines: &[&str]) -> Delta {
    let command = |line: &&str| {
        let mut context: Vec<Box<str>> = line.split(" / ").map(Box::from).collect();
        let line = context.pop().unwrap();
        Command { context, line, mark: Mark::default() }
    };
    let batch = Batch { daemon, commands: lines.iter().map(command).collect() };
    Delta { batches: vec![batch], ..Delta::default() }
}

/// What the first node of a sample is to run.
pub fn sample(name: &str) -> Document {
    let case = samples().into_iter().find(|case| case.name == name).unwrap();
    case.judge().nodes.remove(0).accepted.unwrap().document
}
