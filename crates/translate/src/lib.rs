//! Objects of the API into fragments: one object in, its part of a node's configuration out, or findings.
//!
//! ```text
//! FRRConfiguration + Secrets ─► Fragment   (every word acceptable to FRR, self-contained)
//!                           └─► Finding…   (all of them, each with field, value and what to do)
//! ```
//!
//! Strings stop here. Invariants:
//! * An object with an error has no fragment; one without has a fragment that FRR takes.
//! * Every finding names the object, the path of the field, and the value; passwords never.
//! * A list of a fragment has the length and order of the object's, so that positions are paths.

mod advertise;
mod bfd;
mod evpn;
mod password;
mod prefixes;
mod raw;
mod receive;
mod report;
mod router;
mod secrets;
mod select;
mod session;

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_model::{Finding, Fragment, ObjectId};

use report::{Path, Report};

pub use secrets::Secrets;
pub use select::NodeSelector;

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The object's part of a node's configuration; `None` when a finding is an error.
    pub fragment: Option<Fragment>,
    /// Everything wrong with it, or worth knowing, in the order of the object.
    pub findings: Vec<Finding>,
}

/// Translates one object.
pub fn translate(object: &ObjectId, spec: &FRRConfigurationSpec, secrets: &Secrets) -> Translation {
    let mut report = Report::new(object);
    let root = Path::Root("spec");
    let bgp = root.field("bgp");
    let bfd_profiles = bfd::profiles(&spec.bgp.bfd_profiles, &bgp, &mut report);
    let routers = router::routers(&spec.bgp.routers, &bfd_profiles, secrets, &bgp, &mut report);
    let raw = raw::snippet(&spec.raw, object, &root.field("raw"), &mut report);
    let routers: Option<Vec<_>> = routers.into_iter().collect();
    let in_order = report.errors() == 0;
    Translation {
        fragment: routers.filter(|_| in_order).map(|routers| Fragment {
            object: object.clone(),
            routers,
            bfd_profiles,
            raw,
        }),
        findings: report.finish(),
    }
}
