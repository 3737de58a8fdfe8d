//! The whole pure path, from YAML or JSON to FRR's configuration, under both policies about conflicts.
#![no_main]

use std::fmt::Write;

use frrk8s_document::{Dialect, Text, Version};
use frrk8s_fuzz::mutate::mutated;
use frrk8s_fuzz::objects::{MARK_BASE64, Objects, with_passwords};
use frrk8s_fuzz::{MARK, assert_one_line, assert_readable};
use frrk8s_manifest::{Manifest, read};
use frrk8s_merge::{ConflictPolicy, Fate};
use frrk8s_plan::{NodeInput, Plan, plan};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let text = String::from_utf8_lossy(bytes);
    let manifests = match read(&text) {
        Ok(manifests) => manifests,
        Err(error) => {
            assert_one_line(&error.message);
            assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{error:?}");
            // A key may be repeated.
            assert!(!error.message.contains(MARK) || error.message.starts_with("the key "), "{error}");
            // From what is none, nothing comes that is YAML.
            return Corpus::Reject;
        }
    };
    go(&text, &manifests);
    if let Some(text) = with_passwords(&manifests) {
        let Ok(marked) = read(&text) else {
            // YAML has no keys of more characters, and an escape is six of them.
            assert!(text.len() > 1024, "{text}");
            return Corpus::Reject;
        };
        let shown = go(&text, &marked);
        assert!(!shown.contains(MARK) && !shown.contains(MARK_BASE64), "{shown}");
    }
    Corpus::Keep
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // As often the bytes: for the syntax.
    let text = String::from_utf8_lossy(&data[..size]).into_owned();
    let objects = if seed.is_multiple_of(2) { None } else { mutated(&text, seed, changed) };
    match objects {
        Some(objects) if objects.len() <= max_size => {
            data[..objects.len()].copy_from_slice(objects.as_bytes());
            objects.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});

/// A text as the fuzzer changes it.
fn changed(text: &str) -> String {
    const MORE: usize = 64;
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(text.len() + MORE, 0);
    let size = fuzzer_mutate(&mut bytes, text.len(), text.len() + MORE);
    String::from_utf8_lossy(&bytes[..size]).into_owned()
}

/// Goes the whole way, and returns all that people, or a log, may see of it.
fn go(text: &str, manifests: &[Manifest]) -> String {
    let objects = Objects::new(manifests);
    let mut shown = format!("{manifests:?} {objects:?}");
    for finding in &objects.findings {
        assert_readable(finding);
        let _ = write!(shown, "{finding} {}", finding.advice());
        for manifest in manifests {
            let place = manifest.locate(&finding.at.path);
            assert!(place.start <= place.end && text.get(place.clone()).is_some(), "{place:?} {finding:?}");
        }
    }
    for policy in [ConflictPolicy::Freeze, ConflictPolicy::Quarantine] {
        let input = objects.input(policy);
        check(&input, &plan(&input), &mut shown);
    }
    shown
}

fn check(input: &NodeInput<'_>, planned: &Plan<'_>, shown: &mut String) {
    let _ = write!(shown, "{planned:?}");
    for finding in &planned.findings {
        assert_readable(finding);
        let _ = write!(shown, "{finding} {}", finding.advice());
    }
    assert_eq!(planned.fates.len(), input.candidates.len());
    let Some(outcome) = &planned.outcome else {
        assert_eq!(input.policy, ConflictPolicy::Freeze);
        return;
    };
    if input.policy == ConflictPolicy::Freeze {
        assert!(planned.fates.iter().all(|fate| *fate == Fate::Accepted), "{:?}", planned.fates);
    }
    let document = &outcome.rendered.document;
    let text = document.print();
    for line in text.lines() {
        assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
    }
    for snippet in outcome.raw() {
        let raw = frrk8s_render::print_raw(snippet);
        assert!(raw.is_empty() || raw.ends_with('\n'), "{raw:?}");
        assert!(!raw.lines().any(|line| line.contains(char::is_control)), "{raw:?}");
    }
    // What is printed is what was rendered.
    for (major, minor) in [(8, 4), (10, 3)] {
        let dialect = Dialect::new(Version { major, minor });
        let printed = dialect.as_printed(document.clone());
        assert!(dialect.read(&Text::parse(&text)) == printed, "{text}");
    }
    // Rendered against itself, it does not change.
    let again = NodeInput { running: Some(document), ..input.clone() };
    let again = plan(&again).outcome;
    assert!(again.is_some_and(|again| again.rendered.document == *document), "{text}");
    // The order of the input never shows.
    let mut turned = input.clone();
    turned.candidates.reverse();
    let turned = plan(&turned);
    assert_eq!(turned.findings, planned.findings);
    assert!(turned.outcome.is_some_and(|turned| turned.print() == outcome.print()), "{text}");
}
