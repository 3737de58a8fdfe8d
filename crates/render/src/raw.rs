//! Raw snippets beside what is generated: they can only add.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use frrk8s_document::{Document, Line, Statement, left_open, normal, slot, statements};
use frrk8s_model::{Finding, RawSnippet, Rule};

use crate::numbers::{AUDIENCE_BANDS, BLOCK_BAND};
use crate::running::{LIST_PREFIX, list_number};

/// The path of a snippet's text in its object.
const PATH: &str = "spec.raw.rawConfig";

/// A snippet as it is sent: from the top level, and back to it, so that it cannot reach into the next.
pub fn print_raw(snippet: &RawSnippet) -> String {
    let mut text = snippet.text.to_string();
    for context in left_open(&snippet.text).iter().rev() {
        text.push_str(frrk8s_document::closing(context));
        text.push('\n');
    }
    text
}

/// What is wrong with snippets, given what is generated beside them.
pub fn check_raw(snippets: &[RawSnippet], generated: &Document) -> Vec<Finding> {
    let mut contexts = Contexts { generated, known: BTreeMap::new() };
    let mut findings = Vec::new();
    for snippet in snippets {
        for statement in statements(&snippet.text) {
            findings.extend(check(snippet, &statement, &mut contexts));
        }
    }
    findings
}

fn check(snippet: &RawSnippet, statement: &Statement, contexts: &mut Contexts<'_>) -> Option<Finding> {
    let number = statement.number;
    let finding = |rule, message: String| {
        let finding = Finding::new(rule, &snippet.object, PATH, message);
        Some(finding.with_value(masked(&statement.line)))
    };
    if let Some(name) = statement.line.split(' ').find(|word| list_number(word).is_some()) {
        let message = format!("line {number} uses {name}: lists named {LIST_PREFIX}<n> are generated");
        return finding(Rule::RawReservedName, message);
    }
    // Where nothing is generated, nothing can be taken over.
    let context = contexts.get(&statement.context)?;
    let negated = statement.line.strip_prefix("no ");
    let plain = normal(context.line.as_deref(), negated.unwrap_or(&statement.line));
    let plain = plain.unwrap_or_else(|| statement.line.to_string());
    let (what, taken) = match negated {
        Some(_) => ("removes", context.removed_by(&plain)),
        None => ("replaces", context.replaced_by(&plain)),
    };
    if let Some(taken) = taken {
        let message = format!("line {number} {what} the generated line {:?}", masked(taken));
        return finding(Rule::RawTakesOver, message);
    }
    let map = context.reserved_number(&plain)?;
    let message =
        format!("line {number} adds an entry to {map} under a number that generated entries may take");
    finding(Rule::RawReservedNumber, message)
}

/// A line as a message may show it.
fn masked(line: &str) -> String {
    match line.split_once("password ") {
        Some((before, _)) => format!("{before}password ***"),
        None => line.to_owned(),
    }
}

/// The generated contexts that snippets touch.
struct Contexts<'a> {
    generated: &'a Document,
    known: BTreeMap<Vec<Box<str>>, Option<Context<'a>>>,
}

/// What is generated in one context.
struct Context<'a> {
    /// The line that opens it, in normal form; `None` at the top.
    line: Option<String>,
    texts: BTreeSet<&'a str>,
    slots: BTreeMap<String, &'a str>,
}

impl<'a> Contexts<'a> {
    /// The context, when anything is generated in it.
    fn get(&mut self, path: &[Box<str>]) -> Option<&Context<'a>> {
        if !self.known.contains_key(path) {
            let context = self.read(path);
            self.known.insert(path.to_vec(), context);
        }
        self.known.get(path)?.as_ref()
    }

    fn read(&self, path: &[Box<str>]) -> Option<Context<'a>> {
        let mut parent: Option<String> = None;
        let mut lines = self.generated.lines();
        for opener in path {
            let text = normal(parent.as_deref(), opener)?;
            lines = lines.iter().find(|line| line.text() == text)?.inside();
            parent = Some(text);
        }
        // Entries of generated lists cannot be meant without naming the list.
        let texts = lines.iter().map(Line::text).filter(|text| !text.contains(LIST_PREFIX));
        let texts: BTreeSet<&str> = texts.collect();
        let slots = texts.iter().map(|text| (slot(parent.as_deref(), text), *text)).collect();
        Some(Context { line: parent, texts, slots })
    }
}

impl<'a> Context<'a> {
    /// The lines from a text on, in the order of texts.
    fn from(&self, text: &str) -> impl Iterator<Item = &'a str> {
        self.texts.range::<str, _>((Bound::Included(text), Bound::Unbounded)).copied()
    }

    fn replaced_by(&self, plain: &str) -> Option<&'a str> {
        let taken = self.slots.get(&slot(self.line.as_deref(), plain))?;
        (*taken != plain).then_some(taken)
    }

    /// `no` with a whole line, its beginning, or another value of its slot.
    fn removed_by(&self, plain: &str) -> Option<&'a str> {
        let begins = |text: &&str| {
            let rest = text.strip_prefix(plain);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let covered = self.from(plain).take_while(|text| text.starts_with(plain)).find(begins);
        let same_slot = self.slots.get(&slot(self.line.as_deref(), plain)).copied();
        // A generated `no bgp …` is what such a line says as well.
        covered.or_else(|| same_slot.filter(|text| !text.starts_with("no ")))
    }

    /// The generated map to which a raw line adds an entry among the numbers of generated ones.
    fn reserved_number<'b>(&self, line: &'b str) -> Option<&'b str> {
        let words: Vec<&str> = line.split(' ').collect();
        let ["route-map", name, _, number] = words[..] else {
            return None;
        };
        let number: u16 = number.parse().ok()?;
        let ours = BLOCK_BAND.contains(&number) || AUDIENCE_BANDS.iter().any(|band| band.contains(&number));
        let start = format!("route-map {name} ");
        let generated = self.from(&start).next().is_some_and(|text| text.starts_with(&start));
        (ours && generated && !self.texts.contains(line)).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use frrk8s_document::Text;
    use frrk8s_document::{Dialect, Version};
    use frrk8s_model::ObjectId;

    use super::*;

    const GENERATED: &str = "route-map 10.0.0.1-in permit 100
 match ip address prefix-list frrk8s-1
exit
route-map 10.0.0.1-in deny 65535
exit
router bgp 64512
 no bgp default ipv4-unicast
 neighbor 10.0.0.1 remote-as 64513
 neighbor 10.0.0.1 password s3cret
 address-family ipv4 unicast
  neighbor 10.0.0.1 activate
  neighbor 10.0.0.1 route-map 10.0.0.1-in in
 exit-address-family
exit
";

    fn rules(raw: &str) -> Vec<&'static str> {
        let dialect = Dialect::new(Version { major: 10, minor: 3 });
        let generated = dialect.read(&Text::parse(GENERATED));
        let object = ObjectId::new("ns", "raw");
        let snippets = [RawSnippet { object, priority: 0, text: raw.into() }];
        let findings = check_raw(&snippets, &generated);
        assert!(findings.iter().all(|finding| !finding.message.contains("s3cret")), "{findings:?}");
        findings.into_iter().map(|finding| finding.rule.id()).collect()
    }

    #[test]
    fn raw_lines_can_only_add() {
        for (raw, expected) in [
            ("router bgp 64512\n neighbor 10.0.0.1 description x\n", ""),
            ("router bgp 64512 vrf default\n no neighbor 10.0.0.1 password\n", "raw-takes-over"),
            ("router bgp 64512\n neighbor 10.0.0.1 remote-as 1\n", "raw-takes-over"),
            ("router bgp 64512\n neighbor 10.0.0.1 password other\n", "raw-takes-over"),
            ("router bgp 64512\n no neighbor 10.0.0.1\n", "raw-takes-over"),
            ("router bgp 64512\n no bgp default ipv4-unicast\n", ""),
            ("router bgp 64513\n", "raw-takes-over"),
            ("no router bgp 64512\n", "raw-takes-over"),
            (
                "router bgp 64512\n address-family ipv4\n neighbor 10.0.0.1 route-map mine in\n",
                "raw-takes-over",
            ),
            ("route-map 10.0.0.1-in permit 4000\n", ""),
            ("route-map 10.0.0.1-in permit 3\n", "raw-reserved-number"),
            ("route-map 10.0.0.1-in deny 100\n", "raw-takes-over"),
            ("route-map mine permit 10\n match ip address prefix-list frrk8s-1\n", "raw-reserved-name"),
            ("no ip prefix-list frrk8s-1\n", "raw-reserved-name"),
            ("ip prefix-list mine seq 5 permit any\n", ""),
        ] {
            assert_eq!(rules(raw).join(" "), expected, "{raw}");
        }
    }

    #[test]
    fn a_snippet_does_not_reach_into_the_next() {
        let text = "router bgp 1\n address-family ipv4 unicast\n  network 10.0.0.0/8\n";
        let snippet = RawSnippet { object: ObjectId::new("ns", "raw"), priority: 0, text: text.into() };
        assert_eq!(print_raw(&snippet), format!("{text}exit-address-family\nexit\n"));
    }
}
