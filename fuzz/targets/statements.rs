//! Lines that people wrote in FRR's language: what they say, where they stand, and what of it is generated.
#![no_main]

use std::cmp::Ordering;
use std::sync::LazyLock;

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_document::{
    Dialect, Document, Line, Statement, Text, Version, closing, natural, normal, opens_context,
    self_contained, slot, statements,
};
use frrk8s_fuzz::{MARK, assert_readable, planted};
use frrk8s_model::{ObjectId, RawSnippet, masked, secret_in};
use frrk8s_render::{check_raw, listed_range, print_raw};
use frrk8s_translate::{Secrets, translate};
use libfuzzer_sys::fuzz_target;

/// What stands beside the raw text.
static GENERATED: LazyLock<Document> = LazyLock::new(|| {
    let text = "ip prefix-list frrk8s-1 seq 1 permit 10.0.0.0/8
route-map 10.0.0.1-in permit 100
 match ip address prefix-list frrk8s-1
exit
route-map 10.0.0.1-in deny 65535
exit
vrf red
 vni 7
exit-vrf
router bgp 64512
 no bgp default ipv4-unicast
 neighbor 10.0.0.1 remote-as 64513
 neighbor 10.0.0.1 password n3ver-shown
 address-family ipv4 unicast
  network 10.9.0.0/16
  neighbor 10.0.0.1 activate
  neighbor 10.0.0.1 route-map 10.0.0.1-in in
 exit-address-family
 address-family l2vpn evpn
  vni 100
   rd 64512:100
  exit-vni
 exit-address-family
exit
router bgp 64512 vrf red
exit
bfd
 profile fast
  receive-interval 100
 exit
exit
";
    Dialect::new(Version { major: 10, minor: 3 }).read(&Text::parse(text))
});

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    check_lines(&text);
    check_contexts(&text);
    check_snippet(&text);
    if let Some(text) = planted(&text) {
        let shown = check_snippet(&text);
        assert!(!shown.contains(MARK), "{shown}");
        let shown = format!("{:?}", statements(&text));
        assert!(!shown.contains(MARK), "{shown}");
    }
});

/// Each line by itself, and in its context.
fn check_lines(text: &str) {
    for statement in statements(text) {
        let Statement { context, line, opens, number } = &statement;
        assert!((1..=text.lines().count()).contains(number));
        assert!(!line.is_empty() && line.split(' ').all(|word| !word.is_empty()), "{line:?}");
        let parent = context.last().map(|line| &**line);
        assert_eq!(opens_context(parent, line), *opens, "{line:?}");
        let spelled = normal(parent, line);
        if let Some(spelled) = &spelled {
            assert_eq!(normal(parent, spelled).as_ref(), Some(spelled), "{line:?} in {parent:?}");
        }
        if !line.starts_with("no ") {
            assert_eq!(slot(parent, &format!("no {line}")), slot(parent, line));
        }
        let _ = (closing(line), listed_range(line));
        let secret = secret_in(line).map(|secret| &line[secret]);
        assert_ne!(secret, Some(""));
        assert_eq!(masked(&masked(line)), masked(line));
    }
    let lines: Vec<&str> = text.lines().take(300).collect();
    for window in lines.windows(3) {
        let [a, b, c] = window else { continue };
        assert_eq!(natural(a, b), natural(b, a).reverse());
        assert_eq!(natural(a, b) == Ordering::Equal, a == b);
        if natural(a, b) == natural(b, c) {
            assert_eq!(natural(a, c), natural(a, b), "{window:?}");
        }
    }
    for parent in
        [None, Some("router bgp 1"), Some("address-family ipv4 unicast"), Some("route-map a permit 1")]
    {
        let document = |lines: Vec<&str>| {
            let lines = lines.into_iter().map(Line::leaf).collect();
            Document::new(match parent {
                Some(parent) => vec![Line::context(parent, lines)],
                None => lines,
            })
        };
        let turned = lines.iter().rev().copied().collect();
        assert!(document(lines.clone()) == document(turned), "{parent:?} {lines:?}");
    }
}

/// A text stays within itself.
fn check_contexts(text: &str) {
    let outline = |text: &str| -> Vec<_> {
        statements(text)
            .into_iter()
            .map(|Statement { context, line, opens, .. }| (context, line, opens))
            .collect()
    };
    let contained = self_contained(text);
    // Line ends aside, of which there are several kinds.
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&self_contained(&contained)), lines(&contained));
    assert_eq!(outline(&contained), outline(text));
    // A line that can stand anywhere.
    let last = outline(&format!("{contained}anything else\n")).pop();
    assert!(last.is_some_and(|(context, ..)| context.is_empty()), "{contained}");
    let lines = text.split_inclusive('\n').collect::<Vec<_>>();
    let (first, second) = lines.split_at(lines.len() / 2);
    let (first, second) = (first.concat(), second.concat());
    let mut apart = outline(&first);
    apart.extend(outline(&second));
    assert_eq!(outline(&(self_contained(&first) + &self_contained(&second))), apart);
}

/// The text as somebody's raw snippet. Returns all that people, or a log, may see of it.
fn check_snippet(text: &str) -> String {
    let object = ObjectId::new("ns", "raw");
    let mut spec = FRRConfigurationSpec::default();
    spec.raw.raw_config = Some(text.to_owned());
    let translation = translate(&object, &spec, &Secrets::default());
    let mut shown = format!("{translation:?}");
    translation.findings.iter().for_each(assert_readable);
    let Some(snippet) = translation.fragment.and_then(|fragment| fragment.raw) else {
        return shown;
    };
    let printed = print_raw(&snippet);
    let own: Vec<&str> = snippet.text.lines().collect();
    for line in printed.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        let closes = line == "exit" || line.starts_with("exit-");
        assert!(closes || own.contains(&line), "{line:?}");
    }
    let again = RawSnippet { text: printed.into(), ..snippet.clone() };
    let findings = check_raw(std::slice::from_ref(&snippet), &GENERATED);
    findings.iter().for_each(assert_readable);
    shown.push_str(&format!("{findings:?}"));
    // What is sent is judged as what was written.
    let rules = |snippet: &RawSnippet| -> Vec<&str> {
        check_raw(std::slice::from_ref(snippet), &GENERATED).iter().map(|finding| finding.rule.id()).collect()
    };
    assert_eq!(rules(&again), rules(&snippet));
    shown
}
