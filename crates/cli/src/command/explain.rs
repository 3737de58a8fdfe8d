//! `frrk8s explain`

use std::collections::BTreeMap;
use std::fmt::Write;

use frrk8s_document::Line;
use frrk8s_intake::{NodeView, SecretsSeen, Terms};
use frrk8s_merge::{ConflictPolicy, NodeFacts, Origins, Source};
use frrk8s_model::{
    Attributes, Family, InterfaceName, IpNet, NeighborField, Party, Peer, PeerId, PeerIx, Place, PrefixRange,
    Session, Vrf, parse_address, parse_prefix, shown,
};
use frrk8s_plan::{Outcome, plan};
use frrk8s_render::{Direction, Subject};

use super::{CommandError, Loaded};
use crate::args::{Explain, ExplainArgs};
use crate::diagnostic::Diagnostics;
use crate::output::{Exit, Output};

/// How many prefixes of a neighbor, or lines, are listed.
const LISTED_MAX: usize = 50;

pub fn run(args: &ExplainArgs, output: Output) -> Result<Exit, CommandError> {
    let loaded = Loaded::new(&args.input, SecretsSeen::Required)?;
    let (target, mut input) = loaded.node(&args.node.terms())?;
    let mut planned = plan(&input);
    let diagnostics = loaded.diagnose(&planned, &target);
    loaded.say_notes(&target);
    output.findings(&diagnostics, &loaded.input);
    if planned.outcome.is_none() {
        Output::note(
            "note: the node is held at its last good configuration; this is what quarantine would apply",
        );
        input.policy = ConflictPolicy::Quarantine;
        planned = plan(&input);
    }
    let Some(outcome) = &planned.outcome else {
        return Ok(Exit::of(&diagnostics));
    };
    let explainer = Explainer {
        loaded: &loaded,
        places: Diagnostics::new(&loaded.input, &loaded.inventory, &target.left_out),
        node: &target.node,
        terms: args.node.terms(),
        outcome,
        origins: Origins::new(&outcome.fragments, &input.facts),
        facts: &input.facts,
    };
    let text = match &args.what {
        Explain::Neighbor { neighbor } => explainer.neighbor(neighbor)?,
        Explain::Prefix { prefix } => explainer.prefix(prefix)?,
        Explain::Line { words } => explainer.line(&words.join(" ")),
    };
    Output::result(&text)?;
    Ok(Exit::of(&diagnostics))
}

struct Explainer<'a> {
    loaded: &'a Loaded,
    places: Diagnostics<'a>,
    node: &'a NodeView,
    terms: Terms,
    outcome: &'a Outcome<'a>,
    origins: Origins<'a>,
    facts: &'a NodeFacts,
}

// Writing to a string cannot fail, so what `writeln!` returns is let go below.
impl Explainer<'_> {
    /// Where a value comes from: object, field, and place in the file.
    fn origin(&self, source: &Source) -> String {
        let party =
            Party { object: source.origin.object.clone(), path: source.origin.path.clone(), value: None };
        let at = self.places.place(&party).map(|place| {
            let file = &self.loaded.input.sources[place.source];
            let (line, column) = file.line_and_column(place.span.start);
            format!(" ({}:{line}:{column})", file.name)
        });
        format!("{} {}{}", party.object, party.path, at.unwrap_or_default())
    }

    fn list_origins(&self, place: &Place, indent: &str, text: &mut String) {
        for source in self.origins.of(place) {
            let _ = writeln!(text, "{indent}{}", self.origin(&source));
        }
    }

    fn neighbor(&self, asked: &str) -> Result<String, CommandError> {
        let peer = read_peer(asked)?;
        let config = &self.outcome.config;
        let mut text = String::new();
        for (number, id, router, session) in config.sessions().filter(|(_, id, ..)| id.peer == peer) {
            let _ = writeln!(text, "neighbor {} in VRF {} (router {})", id.peer, id.vrf, router.asn);
            for &field in NeighborField::ALL {
                let sources = self.origins.of(&Place::Neighbor(id.clone(), field));
                for same in sources_by_value(&sources) {
                    let _ = writeln!(text, "  {field} = {}", same[0].value);
                    for source in same {
                        let _ = writeln!(text, "    {}", self.origin(source));
                    }
                }
            }
            self.list_sent(number, id, session, &mut text);
            self.list_received(number, id, session, &mut text);
        }
        if text.is_empty() {
            let _ = writeln!(text, "{} has no neighbor {peer}", self.node.title());
            self.why_no_neighbor(&peer, &mut text);
        }
        Ok(text)
    }

    fn list_sent(&self, number: PeerIx, id: &PeerId, session: &Session, text: &mut String) {
        if !session.unicast {
            let _ = writeln!(text, "  sent: no unicast routes, its addressFamilies leave them out");
            return;
        }
        let sent: Vec<_> = self.outcome.config.outgoing.of_peer(number).collect();
        if sent.is_empty() {
            let _ = writeln!(text, "  sent: nothing, no object allows it a prefix");
            return;
        }
        let _ = writeln!(text, "  sent: {}", prefixes(sent.len()));
        for (range, attributes) in sent.iter().take(LISTED_MAX) {
            let _ = writeln!(text, "    {}{}", range.prefix(), carried(attributes));
            self.list_origins(&Place::Outgoing(id.clone(), range.prefix()), "      ", text);
        }
        if sent.len() > LISTED_MAX {
            let _ = writeln!(text, "    … and {} more", sent.len() - LISTED_MAX);
        }
    }

    fn list_received(&self, number: PeerIx, id: &PeerId, session: &Session, text: &mut String) {
        let blocked = &self.terms.always_block;
        if !blocked.is_empty() {
            let blocked: Vec<String> = blocked.iter().map(ToString::to_string).collect();
            let _ =
                writeln!(text, "  never taken: {} and everything inside (always-block)", blocked.join(", "));
        }
        if !session.unicast {
            let _ = writeln!(text, "  taken: no unicast routes, its addressFamilies leave them out");
            return;
        }
        if session.receive_all {
            let _ = writeln!(text, "  taken: everything");
            self.list_origins(&Place::Neighbor(id.clone(), NeighborField::ReceiveMode), "    ", text);
            return;
        }
        let taken: Vec<_> = self.outcome.config.incoming.of_peer(number).collect();
        if taken.is_empty() {
            let _ = writeln!(text, "  taken: nothing, no object allows it");
            return;
        }
        let _ = writeln!(text, "  taken: {}", prefixes(taken.len()));
        for (range, _) in taken.iter().take(LISTED_MAX) {
            let _ = writeln!(text, "    {range}");
            self.list_origins(&Place::Incoming(id.clone(), *range), "      ", text);
        }
        if taken.len() > LISTED_MAX {
            let _ = writeln!(text, "    … and {} more", taken.len() - LISTED_MAX);
        }
    }

    /// Objects that name the neighbor although the node does not have it, and why not.
    fn why_no_neighbor(&self, peer: &Peer, text: &mut String) {
        let mut named = false;
        for configuration in &self.loaded.inventory.configurations {
            let Some(fragment) = &configuration.fragment else {
                continue;
            };
            let vrfs: Vec<&Vrf> = fragment
                .routers
                .iter()
                .filter(|router| router.neighbors.iter().any(|neighbor| neighbor.peer == *peer))
                .map(|router| &router.vrf)
                .collect();
            let Some(vrf) = vrfs.first() else {
                continue;
            };
            named = true;
            let selected = configuration.selector.as_ref().is_some_and(|s| s.matches(&self.node.labels));
            let why = if !selected {
                format!("does not select {}", self.node.title())
            } else if self.facts.is_own(vrf, peer) {
                "names it, but it is this node's own address".to_owned()
            } else {
                "names it, but is not applied: see the findings above".to_owned()
            };
            let _ = writeln!(text, "  {} {why}", configuration.id);
        }
        let invalid = self.loaded.inventory.configurations.iter().filter(|c| c.fragment.is_none());
        for configuration in invalid {
            let _ = writeln!(
                text,
                "  {} is invalid, whatever it names: see the findings above",
                configuration.id
            );
        }
        if !named {
            let _ = writeln!(text, "  no valid object of the input names it");
        }
    }

    fn prefix(&self, asked: &str) -> Result<String, CommandError> {
        let Some(prefix) = parse_prefix(asked) else {
            return Err(CommandError::Question(format!("{asked:?} is no prefix: write ADDRESS/LENGTH")));
        };
        let config = &self.outcome.config;
        let mut text = format!("prefix {prefix} on {}\n", self.node.title());
        let mut originated = false;
        for (vrf, _) in
            config.routers.iter().filter(|(_, router)| router.prefixes.binary_search(&prefix).is_ok())
        {
            originated = true;
            let _ = writeln!(text, "  originated by the router in VRF {vrf}");
            self.list_origins(&Place::Network(vrf.clone(), prefix), "    ", &mut text);
        }
        if !originated {
            let _ = writeln!(text, "  no router originates it");
        }
        for (number, id, _, session) in config.sessions() {
            self.sent_to(&prefix, number, id, session, &mut text);
        }
        for (number, id, _, session) in config.sessions() {
            let _ = writeln!(text, "  from {id}: {}", self.taken_from(&prefix, number, id, session));
        }
        Ok(text)
    }

    fn sent_to(&self, prefix: &IpNet, number: PeerIx, id: &PeerId, session: &Session, text: &mut String) {
        let policy = &self.outcome.config.outgoing;
        let audience = policy.audience_of(&PrefixRange::exact(*prefix));
        let member = audience.and_then(|audience| frrk8s_model::member(policy.members(audience), number));
        match member.filter(|_| session.unicast) {
            Some(attributes) => {
                let _ = writeln!(text, "  to {id}: sent{}", carried(policy.attributes(attributes)));
                self.list_origins(&Place::Outgoing(id.clone(), *prefix), "    ", text);
            }
            None => {
                let _ = writeln!(text, "  to {id}: not sent, {}", why_not_sent(prefix, id, session));
            }
        }
    }

    /// Whether a route is taken from a peer, and why.
    fn taken_from(&self, prefix: &IpNet, number: PeerIx, id: &PeerId, session: &Session) -> String {
        let blocked = self.terms.always_block.iter().find(|blocked| blocked.contains(prefix));
        if let Some(blocked) = blocked {
            return format!("never taken, {blocked} is always blocked");
        }
        if !carries(id, session, Family::of_prefix(prefix)) {
            return "not taken, the session does not carry its family".to_owned();
        }
        if session.receive_all {
            return "taken, as everything is".to_owned();
        }
        let mut ranges = self.outcome.config.incoming.of_peer(number);
        match ranges.find(|(range, _)| range.contains(prefix)) {
            Some((range, _)) => {
                let sources = self.origins.of(&Place::Incoming(id.clone(), range));
                let sources: Vec<String> = sources.iter().map(|source| self.origin(source)).collect();
                format!("taken by {range}  {}", sources.join(", "))
            }
            None => "not taken, no object allows it".to_owned(),
        }
    }

    fn line(&self, asked: &str) -> String {
        let mut text = String::new();
        let mut found = 0;
        let mut path = Vec::new();
        for line in self.outcome.rendered.document.lines() {
            self.search(line, asked, &mut path, &mut found, &mut text);
        }
        for snippet in self.outcome.raw().iter().filter(|snippet| snippet.text.contains(asked)) {
            found += 1;
            let _ = writeln!(text, "a line of a raw snippet");
            self.list_origins(&Place::Raw(snippet.object.clone()), "  ", &mut text);
        }
        if found == 0 {
            return format!("no line of {} has {:?} in it\n", self.node.title(), shown(asked));
        }
        if found > LISTED_MAX {
            let _ = writeln!(text, "… and {} more lines", found - LISTED_MAX);
        }
        text
    }

    fn search<'a>(
        &self,
        line: &'a Line,
        asked: &str,
        path: &mut Vec<&'a str>,
        found: &mut usize,
        text: &mut String,
    ) {
        path.push(line.text());
        if line.text().contains(asked) {
            *found += 1;
            if *found <= LISTED_MAX {
                let whole = super::masked(&path.join(" / "));
                let _ = writeln!(text, "{}", whole.trim_end());
                self.explain_subject(line, text);
            }
        }
        for inside in line.inside() {
            self.search(inside, asked, path, found, text);
        }
        path.pop();
    }

    fn explain_subject(&self, line: &Line, text: &mut String) {
        let config = &self.outcome.config;
        match self.outcome.rendered.subjects.of(line) {
            None => {}
            Some(Subject::Node(setting)) => {
                let _ = writeln!(text, "  {}", setting.reason());
            }
            Some(Subject::Place(place)) => self.list_origins(place, "  ", text),
            Some(Subject::Neighbor(id)) => {
                self.list_origins(&Place::Neighbor(id.clone(), NeighborField::RemoteAs), "  ", text);
            }
            Some(Subject::Networks(vrf)) => {
                if let Some(prefix) = last_prefix(line) {
                    self.list_origins(&Place::Network(vrf.clone(), prefix), "  ", text);
                }
            }
            Some(Subject::Carried(id, direction, audience)) => {
                let way = match direction {
                    Direction::In => "taken from",
                    Direction::Out => "sent to",
                };
                let policy = match direction {
                    Direction::In => &config.incoming,
                    Direction::Out => &config.outgoing,
                };
                let count = policy.entries().iter().filter(|(_, with)| with == audience).count();
                let _ = writeln!(
                    text,
                    "  {} {way} {id} alike; ask for one with `explain prefix`",
                    prefixes(count)
                );
            }
            Some(Subject::Listed(direction, audience)) => {
                let Some(range) = frrk8s_render::listed_range(line.text()) else {
                    return;
                };
                let policy = match direction {
                    Direction::In => &config.incoming,
                    Direction::Out => &config.outgoing,
                };
                for (peer, _) in policy.members(*audience) {
                    let id = config.peer(*peer).clone();
                    let place = match direction {
                        Direction::In => Place::Incoming(id, range),
                        Direction::Out => Place::Outgoing(id, range.prefix()),
                    };
                    self.list_origins(&place, "  ", text);
                }
            }
        }
    }
}

fn prefixes(count: usize) -> String {
    format!("{count} prefix{}", if count == 1 { "" } else { "es" })
}

/// Sources of one place, those of one value together.
fn sources_by_value(sources: &[Source]) -> Vec<Vec<&Source>> {
    let mut by_value: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        by_value.entry(&source.value).or_default().push(source);
    }
    by_value.into_values().collect()
}

/// The prefix that ends a line.
fn last_prefix(line: &Line) -> Option<IpNet> {
    line.text().rsplit(' ').next().and_then(parse_prefix)
}

fn read_peer(asked: &str) -> Result<Peer, CommandError> {
    if let Some(address) = parse_address(asked) {
        return Ok(Peer::Address(address));
    }
    InterfaceName::new(asked)
        .map(Peer::Interface)
        .map_err(|_| CommandError::Question(format!("{asked:?} is neither an address nor an interface")))
}

/// Whether a session exchanges the unicast routes of a family.
fn carries(id: &PeerId, session: &Session, family: Family) -> bool {
    session.unicast && id.peer.carries(family, session.dual_stack)
}

fn why_not_sent(prefix: &IpNet, id: &PeerId, session: &Session) -> &'static str {
    if carries(id, session, Family::of_prefix(prefix)) {
        "no object allows it to this neighbor"
    } else {
        "the session does not carry its family"
    }
}

/// What a route carries, as the end of a sentence.
fn carried(attributes: &Attributes) -> String {
    let mut text = String::new();
    if let Some(local_pref) = attributes.local_pref {
        let _ = write!(text, ", local preference {local_pref}");
    }
    let standard = attributes.communities.iter().map(ToString::to_string);
    let large = attributes.large_communities.iter().map(|community| format!("large:{community}"));
    let communities: Vec<String> = standard.chain(large).collect();
    if !communities.is_empty() {
        let _ = write!(text, ", communities {}", communities.join(" "));
    }
    text
}
