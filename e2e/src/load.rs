//! A document into the daemons of a router, over their sockets, and back.

use std::collections::BTreeMap;

use frrk8s_document::{Daemon, Dialect, Document, Text};
use frrk8s_model::RawSnippet;
use frrk8s_render::{divide, print_raw};
use frrk8s_testkit::lab::{self, LabError, Refused, Router};

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Lines of the document that a daemon refused.
    pub refused: Vec<(Daemon, Refused)>,
    /// Lines of raw snippets that a daemon refused.
    pub raw_refused: Vec<(Daemon, Refused)>,
}

/// The daemon of the lab.
fn of_lab(daemon: Daemon) -> lab::Daemon {
    match daemon {
        Daemon::Zebra => lab::Daemon::Zebra,
        Daemon::Mgmtd => lab::Daemon::Mgmtd,
        Daemon::Bgpd => lab::Daemon::Bgpd,
        Daemon::Bfdd => lab::Daemon::Bfdd,
    }
}

/// The dialect of a router.
pub fn dialect(router: &Router) -> Dialect {
    Dialect::new(router.install().release().parse().unwrap())
}

/// The lines of a document as they are sent.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// What FRR says about lines that it takes.
const INFORMATIONAL: [&str; 1] = ["% Echo mode works correctly for IPv4"];

fn is_refusal(refused: &Refused) -> bool {
    !INFORMATIONAL.iter().any(|text| refused.text.starts_with(text))
}

/// Sends a document to the daemons that keep its parts, then the raw snippets to bgpd.
pub fn load(router: &Router, document: &Document, raw: &[RawSnippet]) -> Result<Loaded, LabError> {
    let mut loaded = Loaded::default();
    for (daemon, part) in dialect(router).by_daemon(document) {
        let refused = router.configure(of_lab(daemon), &lines(&part.print()))?;
        loaded.refused.extend(refused.into_iter().filter(is_refusal).map(|refused| (daemon, refused)));
    }
    for snippet in raw {
        let refused = router.configure(lab::Daemon::Bgpd, &lines(&print_raw(snippet)))?;
        loaded.raw_refused.extend(refused.into_iter().map(|refused| (Daemon::Bgpd, refused)));
    }
    Ok(loaded)
}

/// What of ours the daemons run, in normal form. `known` is what is ours beside what is so by name.
pub fn read_back(router: &Router, known: &[&Document]) -> Result<BTreeMap<Daemon, Document>, LabError> {
    let dialect = dialect(router);
    let has_mgmtd = dialect.version().major >= 10;
    let daemons = dialect.daemons().into_iter().filter(|daemon| *daemon != Daemon::Mgmtd || has_mgmtd);
    daemons
        .map(|daemon| {
            let text = router.running_config(of_lab(daemon))?;
            Ok((daemon, divide(dialect.read(&Text::parse(&text)), known).ours))
        })
        .collect()
}
