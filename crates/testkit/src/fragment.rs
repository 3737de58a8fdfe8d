//! Fragments from a few words of YAML.

use frrk8s_manifest::{Object, read};
use frrk8s_model::{Finding, Fragment, ObjectId};
use frrk8s_translate::{Secrets, translate};

/// The fragment of an `FRRConfiguration` named `ns/<name>` with this spec (YAML, in flow style), which must be in
/// order.
///
/// # Panics
///
/// When it is not: a test's own mistake.
#[allow(clippy::panic)]
pub fn fragment(name: &str, spec: &str) -> Fragment {
    let yaml = format!("kind: FRRConfiguration\nmetadata: {{name: {name}}}\nspec: {spec}\n");
    let manifests = read(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let [manifest] = manifests.as_slice() else {
        panic!("not one object\n{yaml}");
    };
    let Object::Configuration(object) = &manifest.object else {
        panic!("{:?}\n{yaml}", manifest.object);
    };
    let id = ObjectId::new("ns", name);
    let mut findings = manifest.findings(&id);
    let translation = translate(&id, &object.spec, &Secrets::default());
    findings.extend(translation.findings);
    let wrong = |finding: &&Finding| finding.is_error() || finding.rule.id() == "field-dropped";
    let wrong: Vec<&Finding> = findings.iter().filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{yaml}");
    translation.fragment.unwrap_or_else(|| panic!("no fragment and no error\n{yaml}"))
}
