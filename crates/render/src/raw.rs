//! Raw snippets beside what is generated: they can only add.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Bound;

use frrk8s_document::{Document, Line, Statement, normal, self_contained, slot, statements};
use frrk8s_model::{Finding, RawSnippet, Rule, masked, parse_prefix, secret_in};

use crate::numbers::{AUDIENCE_BANDS, BLOCK_BAND};
use crate::running::{LIST_PREFIX, list_number};

/// The path of a snippet's text in its object.
const PATH: &str = "spec.raw.rawConfig";

/// A snippet as it is sent: from the top level, and back to it, so that it cannot reach into the next.
pub fn print_raw(snippet: &RawSnippet) -> String {
    self_contained(&snippet.text)
}

/// The most findings about one snippet that are reported, errors and others each.
const FINDINGS_MAX: usize = 100;

/// What is wrong with snippets, given what is generated beside them.
pub fn check_raw(snippets: &[RawSnippet], generated: &Document) -> Vec<Finding> {
    let mut contexts = Contexts { generated, known: BTreeMap::new() };
    let mut findings = Vec::new();
    for snippet in snippets {
        let mut room = [FINDINGS_MAX; 2];
        for statement in statements(&snippet.text) {
            let found = check(snippet, &statement, &mut contexts);
            let is_reported = |finding: &Finding| {
                let room = &mut room[usize::from(finding.is_error())];
                let left = *room > 0;
                *room = room.saturating_sub(1);
                left
            };
            findings.extend(found.filter(is_reported));
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
    let end = secret_in(&statement.line).map_or(statement.line.len(), |secret| secret.start);
    if let Some(name) = statement.line[..end].split(' ').find(|word| list_number(word).is_some()) {
        let message = format!("line {number} uses {name}: lists named {LIST_PREFIX}<n> are generated");
        return finding(Rule::RawReservedName, message);
    }
    let negated = statement.line.strip_prefix("no ");
    let line = plain_numbers(negated.unwrap_or(&statement.line));
    for path in meant_contexts(&statement.context) {
        // Where nothing is generated, nothing can be taken over.
        let Some(context) = contexts.get(path) else {
            continue;
        };
        for plain in context.spellings(&line) {
            let (what, taken) = match negated {
                Some(_) => ("removes", context.removed_by(&plain)),
                None => ("replaces", context.replaced_by(&plain)),
            };
            if let Some(taken) = taken {
                let message = format!("line {number} {what} the generated line {:?}", masked(taken));
                return finding(Rule::RawTakesOver, message);
            }
            if let Some(map) = context.reserved_number(&plain) {
                let message = format!(
                    "line {number} adds an entry to {map} under a number that generated entries may take"
                );
                return finding(Rule::RawReservedNumber, message);
            }
        }
    }
    None
}

/// The contexts that a line may be about: its own, and in that of a router the family that FRR takes to be meant there.
fn meant_contexts(context: &[Box<str>]) -> Vec<Vec<String>> {
    let path: Vec<String> = context.iter().map(|line| plain_numbers(line)).collect();
    let family = match path.as_slice() {
        [router] if router.starts_with("router bgp") => {
            Some(vec![router.clone(), "address-family ipv4 unicast".to_owned()])
        }
        _ => None,
    };
    std::iter::once(path).chain(family).collect()
}

/// A line with its numbers as FRR reads them: without zeros before them, and a router's AS from `0.64512`.
fn plain_numbers(line: &str) -> String {
    let plain = |word: &str| {
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let digits = word.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        if is_number { digits.to_owned() } else { word.to_owned() }
    };
    let mut words: Vec<String> = line.split(' ').map(plain).collect();
    if let [router, bgp, asn, ..] = words.as_mut_slice()
        && router == "router"
        && bgp == "bgp"
        && let Some((high, low)) = asn.split_once('.')
        && let (Ok(high), Ok(low)) = (high.parse::<u16>(), low.parse::<u16>())
    {
        *asn = ((u32::from(high) << 16) + u32::from(low)).to_string();
    }
    words.join(" ")
}

/// The line of a network as FRR keeps it, from the ways in which it takes it.
fn plain_network(line: &str) -> Option<String> {
    let rest = line.strip_prefix("network ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let prefix = match words.as_slice() {
        [address, "mask", mask, ..] => {
            let bits = u32::from(mask.parse::<Ipv4Addr>().ok()?);
            parse_prefix(&format!("{address}/{}", bits.leading_ones()))?
        }
        [prefix, ..] if prefix.contains('/') => parse_prefix(prefix)?,
        // The length that addresses had before there were lengths.
        [address, ..] => {
            let bits = match address.parse::<Ipv4Addr>().ok()?.octets()[0] {
                0..128 => 8,
                128..192 => 16,
                _ => 24,
            };
            parse_prefix(&format!("{address}/{bits}"))?
        }
        [] => return None,
    };
    Some(format!("network {prefix}"))
}

/// The words of generated lines that are FRR's own: people may cut them short.
const KEYWORDS: &[&str] = &[
    "activate",
    "address",
    "address-family",
    "advertise",
    "advertise-all-vni",
    "advertise-svi-ip",
    "bfd",
    "bgp",
    "connect",
    "default",
    "detect-multiplier",
    "disable-connected-check",
    "ebgp-multihop",
    "ebgp-requires-policy",
    "echo",
    "echo-mode",
    "evpn",
    "export",
    "external",
    "graceful-restart",
    "hostname",
    "import",
    "import-check",
    "in",
    "interface",
    "internal",
    "ip",
    "ipv4",
    "ipv4-unicast",
    "ipv6",
    "l2vpn",
    "local-as",
    "log",
    "match",
    "minimum-ttl",
    "neighbor",
    "network",
    "nht",
    "no",
    "out",
    "passive-mode",
    "password",
    "permit",
    "port",
    "precision",
    "preserve-fw-state",
    "profile",
    "rd",
    "receive-interval",
    "remote-as",
    "resolve-via-default",
    "route-map",
    "route-target",
    "router",
    "router-id",
    "set",
    "stdout",
    "timers",
    "timestamp",
    "transmit-interval",
    "unicast",
    "update-source",
    "vni",
    "vrf",
];

/// The generated contexts that snippets touch.
struct Contexts<'a> {
    generated: &'a Document,
    known: BTreeMap<Vec<String>, Option<Context<'a>>>,
}

/// Whether the beginning of a line is one of a generated line, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    Generated,
    Nothing,
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
    fn get(&mut self, path: Vec<String>) -> Option<&Context<'a>> {
        let generated = self.generated;
        self.known.entry(path).or_insert_with_key(|path| Context::read(generated, path)).as_ref()
    }
}

impl<'a> Context<'a> {
    fn read(generated: &'a Document, path: &[String]) -> Option<Self> {
        let mut texts: Vec<String> = Vec::new();
        for opener in path {
            let text = match opener.as_str() {
                // The one that there is.
                "router bgp" => default_router(generated)?.to_owned(),
                opener => normal(texts.last().map(String::as_str), opener)?,
            };
            texts.push(text);
        }
        let path: Vec<&str> = texts.iter().map(String::as_str).collect();
        let lines = if path.is_empty() { generated.lines() } else { generated.find(&path)?.inside() };
        let parent = texts.pop();
        // Entries of generated lists cannot be meant without naming the list.
        let texts = lines.iter().map(Line::text).filter(|text| !is_list_entry(text));
        let texts: BTreeSet<&str> = texts.collect();
        let slots = texts.iter().map(|text| (slot(parent.as_deref(), text), *text)).collect();
        Some(Self { line: parent, texts, slots })
    }

    /// What a line may mean here, in normal form.
    fn spellings(&self, line: &str) -> Vec<String> {
        const SPELLINGS_MAX: usize = 16;
        let parent = self.line.as_deref();
        // Addresses in one spelling, then the words, then the rest.
        let line = normal(parent, line).unwrap_or_else(|| line.to_owned());
        let mut spellings: Vec<(String, Follows)> = vec![(String::new(), Follows::Generated)];
        for word in line.split(' ') {
            let longer = spellings.into_iter().flat_map(|spelling| self.longer(spelling, word));
            spellings = longer.take(SPELLINGS_MAX).collect();
        }
        let meant = |(spelling, _): (String, _)| {
            let network = plain_network(&spelling);
            network.or_else(|| normal(parent, &spelling)).unwrap_or(spelling)
        };
        spellings.into_iter().map(meant).collect()
    }

    /// The beginning of a line with one more word: written out where generated lines go on so.
    fn longer(&self, (mut spelling, follows): (String, Follows), word: &str) -> Vec<(String, Follows)> {
        if !spelling.is_empty() {
            spelling.push(' ');
        }
        let with = |word: &str| format!("{spelling}{word}");
        let is_generated = |text: &String| self.beginning_with(text).is_some();
        if follows == Follows::Generated {
            let as_it_is = with(word);
            if is_generated(&as_it_is) {
                return vec![(as_it_is, follows)];
            }
            let keywords = KEYWORDS.iter().filter(|keyword| !word.is_empty() && keyword.starts_with(word));
            let longer = keywords.map(|keyword| with(keyword)).filter(is_generated);
            let longer: Vec<_> = longer.map(|text| (text, follows)).collect();
            if !longer.is_empty() {
                return longer;
            }
        }
        spelling.push_str(word);
        vec![(spelling, Follows::Nothing)]
    }

    /// A generated line that is a text, or begins with its words.
    fn beginning_with(&self, text: &str) -> Option<&'a str> {
        // A blank sorts before all other characters.
        let first = self.from(text).next()?;
        let rest = first.strip_prefix(text)?;
        (rest.is_empty() || rest.starts_with(' ')).then_some(first)
    }

    /// The lines from a text on, in the order of texts.
    fn from(&self, text: &str) -> impl Iterator<Item = &'a str> {
        self.texts.range::<str, _>((Bound::Included(text), Bound::Unbounded)).copied()
    }

    fn replaced_by(&self, plain: &str) -> Option<&'a str> {
        let taken = self.slots.get(&slot(self.line.as_deref(), plain))?;
        // The router that there is, by its short name.
        let is_same = *taken == plain || plain == "router bgp";
        (!is_same).then_some(taken)
    }

    /// `no` with a whole line, its beginning, or another value of its slot.
    fn removed_by(&self, plain: &str) -> Option<&'a str> {
        let same_slot = self.slots.get(&slot(self.line.as_deref(), plain)).copied();
        // A generated `no bgp …` is what such a line says as well.
        self.beginning_with(plain).or_else(|| same_slot.filter(|text| !text.starts_with("no ")))
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

fn is_list_entry(line: &str) -> bool {
    line.starts_with("ip prefix-list ") || line.starts_with("ipv6 prefix-list ")
}

/// The generated router of the default VRF.
fn default_router(generated: &Document) -> Option<&str> {
    let is_default = |text: &&str| text.starts_with("router bgp ") && text.split(' ').count() == 3;
    generated.lines().iter().map(Line::text).find(is_default)
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
  network 10.9.0.0/16
  network 172.16.0.0/16
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
            ("route-map 10.0.0.1-in permit 100\n match ip address prefix-list mine\n", "raw-takes-over"),
            ("route-map 10.0.0.1-in permit 100\n no match ip address prefix-list\n", "raw-takes-over"),
            ("ip prefix-list mine seq 5 permit any\n", ""),
            // What FRR takes for the same (measured on 8.4.4).
            ("rou b 64512\n n nei 10.0.0.1 pas\n", "raw-takes-over"),
            ("router bgp\n no neighbor 10.0.0.1\n", "raw-takes-over"),
            ("router bgp 064512\n neighbor 10.0.0.1 rem 1\n", "raw-takes-over"),
            ("router bgp 0.64512\n no neighbor 10.0.0.1\n", "raw-takes-over"),
            ("router bgp 64512\n neighbor 10.0.0.1 route-map mine in\n", "raw-takes-over"),
            ("router bgp 64512\n no neighbor 10.0.0.1 act\n", "raw-takes-over"),
            ("router bgp 64512\n addr ipv4 u\n no network 10.9.1.1/16\n", "raw-takes-over"),
            ("router bgp 64512\n no network 10.9.0.0 mask 255.255.0.0\n", "raw-takes-over"),
            ("router bgp 64512\n no network 172.16.0.0\n", "raw-takes-over"),
            ("n router bgp\n", "raw-takes-over"),
            ("route 10.0.0.1-in d 0100\n", "raw-takes-over"),
            ("router bgp\n neighbor 10.0.0.1 desc x\n neighbor 10.0.0.9 remote-as 1\n", ""),
            ("router bgp 64512\n neighbor 10.0.0.9 remote-as 1\n neighbor 10.0.0.9 route-map x in\n", ""),
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
