//! Routers, from one state to another.
//!
//! The order: what others import goes first, then routers, then neighbors, then single lines; then what is new in the
//! opposite order. Imports come when every router is there: FRR 8 makes a router that is imported, with the AS of the
//! importing one.
//!
//! What a session exchanges ends before policy changes, and begins after: its maps serve all its families, and an entry
//! that is right for those of one side may be open for one of the other.

use std::collections::{BTreeMap, BTreeSet};

use frrk8s_document::{Line, sets_derived_target};

use crate::command::Command;
use crate::kind::undo;
use crate::other::{tell, without_overwritten};
use crate::pairs::Pairs;
use crate::session::{Effects, peer_of, peers, vrf_of};

const EVPN: &str = "address-family l2vpn evpn";
const ADVERTISE: &str = "advertise";
const IMPORT: &str = "import vrf ";

/// The commands that change routers, in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct RouterCommands {
    /// Imports and EVPN, where they tie a router that goes.
    untie: Vec<Command>,
    /// Routers that go, or are built anew.
    remove: Vec<Command>,
    /// Sessions that go, or are built anew, and families that a session ceases to carry.
    close: Vec<Command>,
    change: Vec<Command>,
    import: Vec<Command>,
    /// Families that a session begins to carry.
    open: Vec<Command>,
}

/// The commands about routers, beside those about lists and maps.
pub(crate) struct AroundPolicy {
    /// Before lists and maps change.
    pub(crate) before: Vec<Command>,
    /// When what is new is there, and what is gone is not yet.
    pub(crate) between: Vec<Command>,
    /// After lists and maps have changed.
    pub(crate) after: Vec<Command>,
}

impl RouterCommands {
    pub(crate) fn around_policy(self) -> AroundPolicy {
        let Self { untie, mut remove, close, change, import, open } = self;
        // The default router last: FRR refuses to remove it before others that hang on it.
        remove.reverse();
        AroundPolicy {
            before: [untie, remove, close].concat(),
            between: [change, import].concat(),
            after: open,
        }
    }
}

/// The commands between the routers of two documents.
pub(crate) fn routers(before: &[Line], after: &[Line], effects: &mut Effects) -> RouterCommands {
    let (before, after) = (by_vrf(before), by_vrf(after));
    let mut commands = RouterCommands::default();
    let goes = |vrf: Option<&str>, old: &Line| {
        let stays = after.get(&vrf).is_some_and(|new| new.text() == old.text());
        (!stays).then_some(vrf.unwrap_or("default").to_owned())
    };
    let gone: BTreeSet<String> = before.iter().filter_map(|(vrf, old)| goes(*vrf, old)).collect();
    for (vrf, old) in &before {
        let stays = !gone.contains(vrf.unwrap_or("default"));
        let left = untied(old, &gone, stays, &mut commands.untie);
        match after.get(vrf) {
            Some(new) if stays => change(&left, new, effects, &mut commands),
            new => {
                // FRR 10 hides a default router that others hang on, and it comes back with the id and VNIs that it had.
                let id = old.inside().iter().find(|line| line.text().starts_with("bgp router-id "));
                let no_id = id.map(|id| Command::new(&[old.text()], undo(Some(old.text()), id.text())));
                commands.untie.extend(no_id.filter(|_| vrf.is_none()));
                commands.remove.push(Command::new(&[], undo(None, old.text())));
                if let Some(new) = new {
                    effects.rebuilt(new.text(), None, new);
                    create(new, effects, &mut commands);
                }
            }
        }
    }
    for (_, new) in after.iter().filter(|(vrf, _)| !before.contains_key(*vrf)) {
        create(new, effects, &mut commands);
    }
    commands
}

/// The default router first.
fn by_vrf(lines: &[Line]) -> BTreeMap<Option<&str>, &Line> {
    lines.iter().map(|line| (vrf_of(line.text()), line)).collect()
}

fn create(new: &Line, effects: &mut Effects, commands: &mut RouterCommands) {
    commands.change.push(Command::told(&[], new));
    change(&Line::context(new.text(), Vec::new()), new, effects, commands);
}

/// Unties a router from those that go, and one that goes from all: what is left of it. FRR remembers who imported
/// whom beyond a router's end, and gives the next one of that name a line `rt vpn import` that nobody told.
fn untied(router: &Line, gone: &BTreeSet<String>, stays: bool, untie: &mut Vec<Command>) -> Line {
    let default_goes = gone.contains("default");
    let is_default = vrf_of(router.text()).is_none();
    let mut unties = |family: &Line, line: &Line| {
        let unties = if stays {
            line.text().strip_prefix(IMPORT).is_some_and(|vrf| gone.contains(vrf))
                || default_goes && is_advertised(line)
        } else {
            is_import(line) || is_default && family.text() == EVPN
        };
        if !unties {
            return false;
        }
        let context = [router.text(), family.text()];
        untie.push(Command::new(&context, undo(Some(family.text()), line.text())));
        true
    };
    if gone.is_empty() {
        return router.clone();
    }
    router.clone().map_inside(|family| {
        if !family.is_context() {
            return Some(family);
        }
        let left = family.clone().map_inside(|line| (!unties(&family, &line)).then_some(line));
        (!left.inside().is_empty()).then_some(left)
    })
}

/// Whether a line of a family lets EVPN tie the router to the default one.
fn is_advertised(line: &Line) -> bool {
    line.text().starts_with(ADVERTISE)
}

fn is_activation(line: &Line) -> bool {
    line.text().ends_with(" activate")
}

/// Whether a line makes a peer group.
fn is_group(line: &str) -> bool {
    line.ends_with(" peer-group")
}

fn is_import(line: &Line) -> bool {
    line.text().starts_with(IMPORT)
}

/// Changes a router that stays.
fn change(old: &Line, new: &Line, effects: &mut Effects, commands: &mut RouterCommands) {
    let router = new.text();
    let dropped = dropped_peers(old, new, effects, commands);
    let old = without_peers(old, &dropped);
    let pairs = Pairs::new(Some(router), old.inside(), new.inside());
    let mut told = Vec::new();
    for family in families(&pairs) {
        family.commands(router, effects, commands, &mut told);
    }
    // From behind: FRR 8 makes a `bfd` again when its profile is taken back after it.
    for line in without_overwritten(Some(router), &pairs).into_iter().rev().filter(|line| !line.is_context())
    {
        effects.taken_back(router, router, line);
        commands.change.push(Command::new(&[router], undo(Some(router), line.text())));
    }
    let come = pairs.come.iter().filter(|line| !line.is_context());
    // FRR takes nothing about a peer group before the group itself.
    let (groups, others): (Vec<&Line>, Vec<&Line>) = come.partition(|line| is_group(line.text()));
    for line in groups.into_iter().chain(others) {
        effects.told(router, router, line);
        commands.change.push(Command::told(&[router], line));
    }
    commands.change.append(&mut told);
}

/// Drops neighbors that are gone, or become another kind of neighbor.
fn dropped_peers<'a>(
    old: &'a Line,
    new: &Line,
    effects: &mut Effects,
    commands: &mut RouterCommands,
) -> BTreeSet<&'a str> {
    let router = new.text();
    let (before, after) = (peers(old), peers(new));
    let mut dropped = BTreeSet::new();
    for (peer, line) in before {
        let new_line = after.get(peer);
        if new_line.is_some_and(|new_line| stays_kind(router, line, new_line)) {
            continue;
        }
        dropped.insert(peer);
        commands.close.push(Command::new(&[router], undo(Some(router), line)));
        let made = new.inside().iter().find(|line| Some(&line.text()) == new_line);
        if let Some(made) = made {
            effects.rebuilt(router, Some(peer), made);
        }
    }
    dropped
}

/// Whether a neighbor can be changed in place: what FRR keeps of one inside the AS is another matter outside of it.
fn stays_kind(router: &str, old: &str, new: &str) -> bool {
    let kind = |line: &str| -> (String, bool) {
        let (head, remote) = line.rsplit_once(' ').unwrap_or((line, ""));
        let asn = router.split(' ').nth(2).unwrap_or_default();
        (head.to_owned(), remote == "internal" || remote == asn)
    };
    old == new || kind(old) == kind(new) && !old.contains(" peer-group ")
}

fn without_peers(router: &Line, dropped: &BTreeSet<&str>) -> Line {
    if dropped.is_empty() {
        return router.clone();
    }
    let stays = |line: &Line| peer_of(line.text()).is_none_or(|peer| !dropped.contains(peer));
    router.clone().map_inside(|line| {
        if !line.is_context() {
            return stays(&line).then_some(line);
        }
        let left = line.map_inside(|inside| stays(&inside).then_some(inside));
        (!left.inside().is_empty()).then_some(left)
    })
}

/// A family of a router, before and after.
struct Family<'a> {
    line: &'a str,
    before: &'a [Line],
    after: &'a [Line],
}

fn families<'a>(pairs: &Pairs<'a>) -> Vec<Family<'a>> {
    let is_context = |line: &&&'a Line| line.is_context();
    let gone = pairs.gone.iter().filter(is_context);
    let come = pairs.come.iter().filter(is_context);
    gone.map(|line| Family { line: line.text(), before: line.inside(), after: &[] })
        .chain(come.map(|line| Family { line: line.text(), before: &[], after: line.inside() }))
        .chain(pairs.changed.iter().map(|(old, new)| Family {
            line: new.text(),
            before: old.inside(),
            after: new.inside(),
        }))
        .collect()
}

impl Family<'_> {
    fn has_distinguisher(&self) -> bool {
        self.before.iter().any(|line| line.text().starts_with("rd "))
    }

    /// Takes back at once; what is told is collected, to come behind the lines of the router itself.
    fn commands(
        &self,
        router: &str,
        effects: &mut Effects,
        commands: &mut RouterCommands,
        told: &mut Vec<Command>,
    ) {
        let context = [router, self.line];
        let pairs = Pairs::new(Some(self.line), self.before, self.after);
        for line in without_overwritten(Some(self.line), &pairs) {
            effects.taken_back(router, self.line, line);
            let to = if is_activation(line) { &mut commands.close } else { &mut commands.change };
            to.push(Command::new(&context, undo(Some(self.line), line.text())));
        }
        for line in pairs.come.iter().copied() {
            effects.told(router, self.line, line);
            let to = match line {
                line if is_import(line) => &mut commands.import,
                line if is_activation(line) => &mut commands.open,
                _ => &mut *told,
            };
            if self.line == EVPN && line.text().starts_with("rd ") && !self.has_distinguisher() {
                to.push(Command { mark: line.mark, ..Command::new(&context, OTHER_DISTINGUISHER.into()) });
            }
            tell(&context, line, to);
        }
        for (old, new) in &pairs.changed {
            vni(&context, old, new, told);
        }
    }
}

/// FRR ignores the distinguisher that a router had before it was taken back: it takes it when it had another one
/// meanwhile (measured on 8.4.4 and 10.3).
const OTHER_DISTINGUISHER: &str = "rd 0:65535";

/// A VNI that stays. Told before taken back: alone, the target that FRR derives itself would be ignored. Another target
/// drives that one out, so that it is told again behind it (measured on 8.4.4 and 10.3).
fn vni(context: &[&str], old: &Line, new: &Line, told: &mut Vec<Command>) {
    let router = context.first().copied().unwrap_or_default();
    let inner: Vec<&str> = context.iter().copied().chain([new.text()]).collect();
    let is_derived = |line: &Line| sets_derived_target(router, new.text(), line.text());
    let pairs = Pairs::new(Some(new.text()), old.inside(), new.inside());
    let driven_out = |line: &Line| {
        let mut others = pairs.come.iter().filter(|come| !is_derived(come));
        is_derived(line) && others.any(|come| two_words(come.text()) == two_words(line.text()))
    };
    let again = new.inside().iter().filter(|line| old.inside().contains(line) && driven_out(line));
    told.extend(pairs.come.iter().copied().chain(again).map(|line| Command::told(&inner, line)));
    let gone = without_overwritten(Some(new.text()), &pairs).into_iter().filter(|line| !driven_out(line));
    told.extend(gone.map(|line| Command::new(&inner, undo(Some(new.text()), line.text()))));
}

/// `route-target import`, for example.
fn two_words(line: &str) -> &str {
    line.match_indices(' ').nth(1).map_or(line, |(at, _)| &line[..at])
}
