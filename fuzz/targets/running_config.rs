//! What FRR, or anybody, says that FRR runs: nothing is lost, and what is read is printed such that it is read again.
#![no_main]

use frrk8s_document::{Dialect, Document, Text, Version};
use frrk8s_fuzz::{MARK, planted};
use frrk8s_render::{Divided, divide};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = Version::of(&text);
    go(&text);
    if let Some(text) = planted(&text) {
        let shown = go(&text);
        assert!(!shown.contains(MARK), "{shown}");
    }
});

/// Reads a text, and returns all that a log may see of it.
fn go(text: &str) -> String {
    let read = Text::parse(text);
    assert_eq!(substance(&read.print()), substance(text));
    assert!(Text::parse(&read.print()) == read, "{}", read.print());
    let mut shown = format!("{read:?}");
    for (major, minor) in [(8, 4), (10, 3)] {
        let dialect = Dialect::new(Version { major, minor });
        let document = dialect.read(&read);
        shown.push_str(&format!("{document:?}"));
        let again = dialect.read(&Text::parse(&document.print()));
        assert!(again == document, "{}\n---\n{}", document.print(), again.print());
        assert!(dialect.as_printed(document.clone()) == document, "{}", document.print());
        let _ = dialect.by_daemon(&document);
        check_divided(document);
    }
    shown
}

/// The lines that stand for something, in their order.
fn substance(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !matches!(line.chars().next(), None | Some('!' | '#'))).collect()
}

/// What is ours and what is foreign are the whole.
fn check_divided(document: Document) {
    for known in [vec![], vec![&document]] {
        let Divided { ours, foreign } = divide(document.clone(), &known);
        let (count, lines) = (ours.count() + foreign.count(), document.count());
        assert!(ours.joined(foreign) == document, "{}", document.print());
        assert!(count >= lines);
    }
}
