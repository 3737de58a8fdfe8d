//! What real FRR printed (8.4.4, 10.3, 10.7.1): nothing of it is lost, and it means what FRR had been told.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use frrk8s_document::{Dialect, Document, Text, Version};

/// Every fixture: its name and text.
fn fixtures(part: &str) -> Vec<(String, String)> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = files.into_iter().map(|file| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(file).unwrap())
    });
    named.filter(|(name, _)| name.contains(part)).collect()
}

/// A text without comments, blank lines and trailing white space.
fn substance(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !matches!(line.trim_start().chars().next(), None | Some('!' | '#')));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn dialect(name: &str, text: &str) -> Dialect {
    let told = match name.split('-').next().unwrap() {
        "v84" => Version { major: 8, minor: 4 },
        "v103" => Version { major: 10, minor: 3 },
        "v107" => Version { major: 10, minor: 7 },
        other => panic!("{other}"),
    };
    if let Some(version) = Version::of(text) {
        assert_eq!(version, told, "{name}");
    }
    Dialect::new(told)
}

#[test]
fn printing_what_was_parsed_gives_it_again() {
    let fixtures = fixtures("running-config");
    assert!(fixtures.len() >= 8);
    for (name, text) in fixtures {
        assert_eq!(Text::parse(&text).print(), substance(&text), "{name}");
    }
}

#[test]
fn a_document_reads_back_as_itself() {
    for (name, text) in fixtures("") {
        let dialect = dialect(&name, &text);
        let document = dialect.read(&Text::parse(&text));
        assert_eq!(dialect.read(&Text::parse(&document.print())), document, "{name}");
    }
}

#[test]
fn what_frr_was_told_is_what_it_prints() {
    for (name, told) in fixtures("-input.conf") {
        let printed_name = name.replace("-input.conf", "-running-config.txt");
        let (_, printed) = fixtures(&printed_name).pop().unwrap();
        let dialect = dialect(&name, &told);
        let told = dialect.read(&Text::parse(&told));
        let printed = dialect.read(&Text::parse(&printed));
        let missing: Vec<_> = told.lines().iter().filter(|line| !printed.lines().contains(line)).collect();
        assert!(missing.is_empty(), "{name}: {missing:#?}\n{}", printed.print());
        // What is printed beyond it stands for the machine, not for what was told.
        let more: Vec<_> = printed.lines().iter().filter(|line| !told.lines().contains(line)).collect();
        let own = ["hostname ", "no ip forwarding", "no ipv6 forwarding", "log "];
        assert!(
            more.iter().all(|line| own.iter().any(|start| line.text().starts_with(start))),
            "{name}: {more:#?}"
        );
    }
}

#[test]
fn the_same_configuration_is_the_same_document_on_every_version() {
    let bgp_only = |document: Document| {
        let lines = document.into_lines().into_iter();
        let kept = ["ip prefix-list", "ipv6 prefix-list", "route-map", "router bgp", "bfd"];
        Document::new(lines.filter(|line| kept.iter().any(|start| line.text().starts_with(start))).collect())
    };
    for part in ["-frrk8s-2x10-running-config.txt", "v84-running-config.txt"] {
        let of_version = |version: &str| {
            let name = if part.starts_with("v84") {
                part.replace("v84", version)
            } else {
                format!("{version}{part}")
            };
            let (_, text) = fixtures(&name).pop().unwrap();
            bgp_only(dialect(&name, &text).read(&Text::parse(&text)))
        };
        assert_eq!(of_version("v84"), of_version("v103"), "{part}");
        assert_eq!(of_version("v103"), of_version("v107"), "{part}");
    }
}
