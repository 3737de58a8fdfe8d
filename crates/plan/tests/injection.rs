//! Whatever stands in a field: a finding that names it, or a value that changes one word of one line.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

use frrk8s_api::k8s::Secret;
use frrk8s_manifest::{Manifest, Object, read};
use frrk8s_merge::{Candidate, ConflictPolicy, Seniority};
use frrk8s_model::{Finding, ObjectId, Rule};
use frrk8s_plan::{NodeInput, plan};
use frrk8s_testkit::hostile::{self, PASSWORD, Part, SECRET};
use frrk8s_translate::{NodeSelector, Secrets, translate};
use serde_json::{Value as Json, json};

/// The longest message and path of a finding, in characters: values in it are cut.
const MESSAGE_CHARS_MAX: usize = 1500;

/// What became of an object.
#[derive(Default)]
struct Verdict {
    findings: Vec<Finding>,
    /// The configuration without raw lines, and these; `None` where the object is refused.
    rendered: Option<(String, String)>,
    /// Whether it is taken for an object of another kind.
    is_other: bool,
}

/// Goes the whole way with an object and a Secret. What any value prints for debugging is searched for `hidden`.
fn judge(object: &Json, secret: &Json, hidden: &[&str]) -> Verdict {
    let text = format!("{}\n---\n{}\n", hostile::ascii(secret), hostile::ascii(object));
    let manifests = read(&text).unwrap_or_else(|error| panic!("{error}: {text:.2000}"));
    let mut debug = format!("{manifests:?}");
    let [secret, manifest] = manifests.as_slice() else { panic!("{debug:.2000}") };
    let secrets: Vec<&Secret> = match &secret.object {
        Object::Secret(secret) => vec![secret],
        _ => Vec::new(),
    };
    let secrets = Secrets::new(secrets);
    let verdict = of_manifest(manifest, &secrets, &mut debug);
    let _ = write!(debug, "{secrets:?} {:?}", verdict.findings);
    for finding in &verdict.findings {
        assert_eq!(finding.at.object, ObjectId::new("ns", "hostile"));
        let _ = write!(debug, "{finding} {}", finding.advice());
        is_readable(finding);
    }
    for secret in hidden {
        assert!(!debug.contains(*secret), "{secret:?} in {debug:.20000}");
    }
    verdict
}

fn of_manifest(manifest: &Manifest, secrets: &Secrets, debug: &mut String) -> Verdict {
    let id = ObjectId::new("ns", "hostile");
    let mut verdict = Verdict { findings: manifest.findings(&id), ..Verdict::default() };
    let Object::Configuration(object) = &manifest.object else {
        verdict.is_other = matches!(manifest.object, Object::Other { .. });
        return verdict;
    };
    let selector = NodeSelector::of(&id, &object.spec);
    let _ = write!(debug, "{selector:?}");
    verdict.findings.extend(selector.err().into_iter().flatten());
    let translation = translate(&id, &object.spec, secrets);
    let _ = write!(debug, "{translation:?}");
    verdict.findings.extend(translation.findings);
    let is_wrong = verdict.findings.iter().any(Finding::is_error);
    assert!(translation.fragment.is_some() || is_wrong, "no fragment and no error");
    let newest = translation.fragment.as_ref().filter(|_| !is_wrong);
    for policy in [ConflictPolicy::Quarantine, ConflictPolicy::Freeze] {
        let seniority = Seniority { source: 1, undated: true, created: 0, object: id.clone() };
        let candidate = Candidate { seniority, newest, last_accepted: None };
        let input = NodeInput { candidates: vec![candidate], policy, ..NodeInput::default() };
        let plan = plan(&input);
        let _ = write!(debug, "{plan:?}");
        let admitted = plan.outcome.as_ref().filter(|outcome| !outcome.fragments.is_empty());
        verdict.rendered = admitted.map(|outcome| {
            let generated = outcome.rendered.document.print();
            let raw = outcome.print()[generated.len()..].to_owned();
            (generated, raw)
        });
        verdict.findings.extend(plan.findings);
    }
    let is_wrong = verdict.findings.iter().any(Finding::is_error);
    assert_eq!(verdict.rendered.is_none(), is_wrong, "{:#?}", verdict.findings);
    verdict
}

/// A finding is made of single lines of bounded length.
fn is_readable(finding: &Finding) {
    let mut texts = vec![finding.message.as_str(), finding.advice(), finding.at.path.as_str()];
    texts.extend(finding.parties().filter_map(|party| party.value.as_deref()));
    for text in texts {
        let plain =
            |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202e}' | '\u{200b}');
        assert!(text.chars().all(plain), "{text:?}");
        assert!(text.chars().count() <= MESSAGE_CHARS_MAX, "{text:.3000}");
    }
    assert!(!finding.message.is_empty());
}

/// How many lines of each form there are: the first words of what they stand in, and their own. The families are one.
fn shape(text: &str) -> BTreeMap<String, usize> {
    let mut shape = BTreeMap::new();
    let mut open: Vec<&str> = Vec::new();
    for line in text.lines() {
        let inside = line.trim_start_matches(' ');
        let depth = line.len() - inside.len();
        assert!(!inside.is_empty() && inside.trim() == inside, "{line:?}");
        assert!(inside.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
        open.truncate(depth);
        open.push(match inside.split(' ').next().unwrap() {
            "ipv6" => "ip",
            word => word,
        });
        *shape.entry(open.join(" / ")).or_default() += 1;
    }
    shape
}

/// Whether a text has no line that another lacks. Fewer are no wonder: many values stand for nothing.
fn adds_nothing(text: &str, to: &str) -> bool {
    let whole = shape(to);
    shape(text).iter().all(|(form, count)| whole.get(form).is_some_and(|most| count <= most))
}

fn baseline() -> (String, String) {
    let verdict = judge(&hostile::object(), &hostile::secret(), &[]);
    verdict.rendered.unwrap_or_else(|| panic!("{:#?}", verdict.findings))
}

/// Rules about a field that another one refers to.
const REFERENCES: &[Rule] = &[
    Rule::BfdProfileUnknown,
    Rule::ImportUnknown,
    Rule::AdvertisedUnknown,
    Rule::LocalPrefUnadvertised,
    Rule::CommunityUnadvertised,
    Rule::ConflictRouter,
    Rule::EvpnWithoutNeighbor,
    Rule::L3VniWithNeighbors,
];

/// An error about a part, or what is around it; or that something else refers to it in vain.
fn names(finding: &Finding, part: &Part) -> bool {
    let path = part.path();
    let around = path.rsplit_once(['.', '[']).map_or("", |(around, _)| around);
    let near = finding.at.path.starts_with(around) || around.starts_with(&finding.at.path);
    finding.is_error() && (near || REFERENCES.contains(&finding.rule))
}

/// The object with `value` in a part: refused with a finding about it, or rendered without a line more. Whether there is
/// a line less.
fn is_harmless(part: &Part, value: Json, whole: &(String, String)) -> bool {
    let shown = format!("{} = {:.200}", part.path(), value.to_string());
    let verdict = judge(&part.replaced(value), &hostile::secret(), &[PASSWORD, SECRET]);
    match &verdict.rendered {
        Some((generated, raw)) => {
            assert!(adds_nothing(generated, &whole.0), "{shown}\n{generated}");
            // What raw text may add has a test of its own.
            let is_raw = part.pointer.ends_with("/rawConfig");
            assert!(is_raw || raw.is_empty() || *raw == whole.1, "{shown}\n{raw}");
            return shape(generated) != shape(&whole.0);
        }
        None if verdict.is_other => {
            assert!(matches!(part.pointer.as_str(), "/apiVersion" | "/kind"), "{shown}");
        }
        None => {
            let named = verdict.findings.iter().any(|finding| names(finding, part));
            assert!(named, "{shown}: {:#?}", verdict.findings);
        }
    }
    false
}

#[test]
fn no_text_adds_a_line() {
    let whole = baseline();
    let parts: Vec<Part> = hostile::parts().into_iter().filter(|part| part.kind == "string").collect();
    assert!(parts.len() > 60, "{}", parts.len());
    for part in &parts {
        // `all` is a word there.
        let is_mode = part.pointer.ends_with("/mode");
        for text in hostile::texts() {
            if is_mode && text == "all" {
                continue;
            }
            let less = is_harmless(part, json!(text), &whole);
            // Nothing is unset; 0.0.0.0 is no router id; an IPv4 peer has no line about connected networks.
            let may_be_less = text.is_empty() || text.parse::<Ipv4Addr>().is_ok();
            assert!(!less || may_be_less, "{} = {text:.200}", part.path());
        }
    }
}

#[test]
fn no_number_adds_a_line() {
    let whole = baseline();
    for part in hostile::parts().iter().filter(|part| part.kind == "integer") {
        for number in hostile::numbers() {
            is_harmless(part, number, &whole);
        }
    }
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let whole = baseline();
    for part in hostile::parts() {
        for value in hostile::types() {
            let fits = match (&value, part.kind.as_str()) {
                (Json::Number(number), "integer") => number.is_i64(),
                // What is in lists and objects is looked at when its own part has its turn.
                (Json::Null, _)
                | (Json::Bool(_), "boolean")
                | (Json::String(_), "string")
                | (Json::Array(_), "array")
                | (Json::Object(_), "object") => true,
                _ => false,
            };
            let shown = format!("{} = {value}", part.path());
            if fits {
                is_harmless(&part, value, &whole);
            } else {
                let verdict = judge(&part.replaced(value), &hostile::secret(), &[PASSWORD, SECRET]);
                let found = verdict.findings.iter().any(|finding| finding.at.path == part.path());
                assert!(
                    verdict.is_other || found && verdict.rendered.is_none(),
                    "{shown}: {:#?}",
                    verdict.findings
                );
            }
        }
    }
}

#[test]
fn no_list_is_too_long_to_be_judged() {
    const MANY: usize = 5000;
    let whole = baseline();
    for part in hostile::parts().iter().filter(|part| part.kind == "array") {
        let object = hostile::object();
        let items = object.pointer(&part.pointer).unwrap().as_array().unwrap();
        is_harmless(part, items.iter().cycle().take(MANY).cloned().collect(), &whole);
        is_harmless(part, vec![Json::Null; MANY].into(), &whole);
        is_harmless(part, (0..MANY).map(|at| json!(format!("text-{at}"))).collect(), &whole);
    }
}

#[test]
fn no_key_of_a_mapping_adds_a_line() {
    let whole = baseline();
    let labels = Part { pointer: "/spec/nodeSelector/matchLabels".to_owned(), kind: "object".to_owned() };
    for key in hostile::texts().into_iter().filter(|text| text.len() <= 1000) {
        is_harmless(&labels, json!({ key.clone(): "a" }), &whole);
        // One that the schema does not have.
        for pointer in ["", "/spec", "/spec/bgp", "/spec/bgp/routers/0/neighbors/0"] {
            let mut object = hostile::object();
            let around = object.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
            if around.insert(key.clone(), json!({ "password": PASSWORD })).is_some() {
                continue;
            }
            let verdict = judge(&object, &hostile::secret(), &[PASSWORD, SECRET]);
            assert_eq!(verdict.rendered.as_ref(), Some(&whole), "{key:?}: {:#?}", verdict.findings);
            assert!(verdict.findings.iter().any(|finding| finding.rule.id() == "field-dropped"), "{key:?}");
        }
    }
}

#[test]
fn no_password_is_shown_or_ends_its_line() {
    const MARK: &str = "n3ver-shown";
    let whole = baseline();
    let parts = hostile::parts();
    let password = parts.iter().find(|part| part.is_password()).unwrap();
    for text in hostile::texts() {
        let text = format!("{MARK}{text}");
        let in_object = (password.replaced(json!(text)), hostile::secret());
        let mut secret = hostile::secret();
        secret["stringData"]["password"] = json!(text);
        for (object, secret) in [in_object, (hostile::object(), secret)] {
            let verdict = judge(&object, &secret, &[MARK]);
            if let Some((generated, _)) = &verdict.rendered {
                assert_eq!(shape(generated), shape(&whole.0), "{text:?}");
                continue;
            }
            let is_named = |finding: &Finding| finding.is_error() && finding.at.path.contains(".password");
            assert!(verdict.findings.iter().any(is_named), "{text:?}: {:#?}", verdict.findings);
        }
    }
}

#[test]
fn a_secret_of_any_shape_shows_nothing() {
    for pointer in
        ["/type", "/data", "/stringData", "/stringData/password", "/metadata/name", "/metadata", "/kind"]
    {
        for value in hostile::types() {
            let mut secret = hostile::secret();
            secret["data"] = json!({ "password": "bjN2ZXItc2hvd24=" });
            *secret.pointer_mut(pointer).unwrap() = value;
            judge(&hostile::object(), &secret, &[SECRET, PASSWORD, "n3ver-shown", "bjN2ZXItc2hvd24="]);
        }
    }
}

#[test]
fn raw_text_adds_its_own_lines_only() {
    let whole = baseline();
    let parts = hostile::parts();
    let raw_part = parts.iter().find(|part| part.pointer.ends_with("/rawConfig")).unwrap();
    for text in hostile::texts() {
        for text in [text.clone(), format!("router bgp 64999 vrf people\n {text}\n exit\nexit\nexit\n")] {
            let verdict = judge(&raw_part.replaced(json!(text)), &hostile::secret(), &[PASSWORD, SECRET]);
            let Some((generated, raw)) = &verdict.rendered else {
                let named = verdict
                    .findings
                    .iter()
                    .any(|finding| finding.is_error() && finding.at.path == "spec.raw.rawConfig");
                assert!(named, "{text:.200}: {:#?}", verdict.findings);
                continue;
            };
            assert_eq!(generated, &whole.0, "{text:.200}");
            let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            let own: BTreeSet<String> = text.lines().map(words).collect();
            for line in raw.lines() {
                let closing = line == "exit" || line.starts_with("exit-");
                assert!(closing || own.contains(&words(line)), "{line:?} in {raw:.1000}");
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }
}
