//! A configuration in its normal form.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use frrk8s_model::masked;

use crate::context::closing;
use crate::order::compare;

/// A number that the maker of a document may put on a line, to find again what it stands for. It takes no
/// part in comparisons; what is parsed has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(pub u32);

/// One line, and what is inside when it opens a context. Its clones share the text and what is inside: one configuration is
/// at hand as what was read, what is ours of it, what was told and what is kept.
#[derive(Clone)]
pub struct Line {
    text: Arc<str>,
    inside: Option<Arc<Vec<Self>>>,
    /// What its maker noted.
    pub mark: Mark,
}

impl Line {
    /// A line that opens no context.
    pub fn leaf(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), inside: None, mark: Mark::default() }
    }

    /// A line that opens a context, with what is inside, in any order.
    pub fn context(text: impl Into<Arc<str>>, inside: Vec<Self>) -> Self {
        let text = text.into();
        let inside = Some(Arc::new(in_order(Some(&text), inside)));
        Self { text, inside, mark: Mark::default() }
    }

    /// The same with a note.
    #[must_use]
    pub fn marked(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }

    /// The line itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it opens a context.
    pub fn is_context(&self) -> bool {
        self.inside.is_some()
    }

    /// What is inside, in the order of documents.
    pub fn inside(&self) -> &[Self] {
        self.inside.as_ref().map(|inside| inside.as_slice()).unwrap_or_default()
    }

    fn inside_mut(&mut self) -> &mut [Self] {
        self.inside.as_mut().map(|inside| Arc::make_mut(inside).as_mut_slice()).unwrap_or_default()
    }

    /// The same with the lines inside changed or left out.
    #[must_use]
    pub fn map_inside(mut self, change: impl FnMut(Self) -> Option<Self>) -> Self {
        self.inside = self.inside.map(|inside| {
            let changed: Vec<Self> = Arc::unwrap_or_clone(inside).into_iter().filter_map(change).collect();
            let parent = Some(&*self.text);
            Arc::new(if is_in_order(parent) { in_order(parent, changed) } else { changed })
        });
        self
    }

    /// The same without the lines of its families that are chosen, and a copy with nothing else, if there are any.
    fn divided(self, chosen: impl Fn(&Self) -> bool) -> (Self, Option<Self>) {
        let (mut kept, mut moved) = (Vec::new(), Vec::new());
        for line in self.inside().iter().cloned() {
            let inside = line.inside().iter().cloned();
            let (theirs, others): (Vec<Self>, Vec<Self>) = inside.partition(&chosen);
            if theirs.is_empty() {
                kept.push(line);
                continue;
            }
            moved.push(Self::context(line.text(), theirs));
            if !others.is_empty() {
                kept.push(Self::context(line.text(), others));
            }
        }
        let moved = (!moved.is_empty()).then(|| Self::context(self.text(), moved));
        (Self::context(self.text, kept), moved)
    }

    /// The lines inside and itself.
    pub fn count(&self) -> usize {
        1 + self.inside().iter().map(Self::count).sum::<usize>()
    }

    fn print(&self, depth: usize, text: &mut String) {
        let mut put = |line: &str| {
            text.extend(std::iter::repeat_n(' ', depth));
            text.push_str(line);
            text.push('\n');
        };
        put(&self.text);
        if let Some(inside) = &self.inside {
            for line in inside.iter() {
                line.print(depth + 1, text);
            }
            text.extend(std::iter::repeat_n(' ', depth));
            text.push_str(closing(&self.text));
            text.push('\n');
        }
    }
}

/// Marks take no part.
impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        let inside = match (&self.inside, &other.inside) {
            (Some(inside), Some(others)) => is_same(inside, others),
            (inside, others) => inside.is_none() && others.is_none(),
        };
        inside && is_same(&self.text, &other.text)
    }
}

impl Eq for Line {}

/// Equal, and quickly so where both share it.
fn is_same<T: PartialEq + ?Sized>(one: &Arc<T>, other: &Arc<T>) -> bool {
    Arc::ptr_eq(one, other) || **one == **other
}

/// Without passwords.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = masked(&self.text);
        match &self.inside {
            None => text.fmt(f),
            Some(inside) => {
                text.fmt(f)?;
                f.debug_list().entries(inside.iter()).finish()
            }
        }
    }
}

/// A configuration in its normal form: each line once, in an order in which it can be loaded. Two
/// configurations with one meaning (as far as this crate knows) are equal documents.
#[derive(Clone, Debug, Default)]
pub struct Document {
    lines: Arc<Vec<Line>>,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.lines, &other.lines)
    }
}

impl Eq for Document {}

impl Document {
    /// A document of these lines, in any order. Contexts that stand there twice are joined.
    pub fn new(lines: Vec<Line>) -> Self {
        let mut lines = in_order(None, lines);
        for router in lines.iter_mut().filter(|line| line.text.starts_with("router bgp ")) {
            put_derived_targets_last(router);
        }
        Self::of_ordered(lines)
    }

    /// A document of lines that are in its order already, each once.
    pub(crate) fn of_ordered(lines: Vec<Line>) -> Self {
        Self { lines: Arc::new(lines) }
    }

    /// Two parts of it: what `by` makes of each line at the top, which keeps its text in both.
    #[must_use]
    pub fn divided(self, mut by: impl FnMut(Line) -> (Option<Line>, Option<Line>)) -> (Self, Self) {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for line in self.into_lines() {
            let (of_one, of_other) = by(line);
            one.extend(of_one);
            other.extend(of_other);
        }
        // What is in order stays in order.
        (Self::of_ordered(one), Self::of_ordered(other))
    }

    /// What `change` leaves of each line at the top, which keeps its text.
    #[must_use]
    pub fn reduced(self, mut change: impl FnMut(Line) -> Option<Line>) -> Self {
        self.divided(|line| (change(line), None)).0
    }

    /// The lines at the top.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines at the top, taken apart.
    pub fn into_lines(self) -> Vec<Line> {
        Arc::unwrap_or_clone(self.lines)
    }

    /// The lines that do not stand in another document, each in its contexts.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self::of_ordered(lines_without(None, &self.lines, &other.lines))
    }

    /// How many lines there are that open no context.
    pub fn leaves(&self) -> usize {
        fn count(lines: &[Line]) -> usize {
            lines.iter().map(|line| if line.is_context() { count(line.inside()) } else { 1 }).sum()
        }
        count(&self.lines)
    }

    /// How many lines there are in all, closing lines aside.
    pub fn count(&self) -> usize {
        self.lines.iter().map(Line::count).sum()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at a path of lines, from the top.
    pub fn find(&self, path: &[&str]) -> Option<&Line> {
        let (first, rest) = path.split_first()?;
        let mut found = search(None, &self.lines, first)?;
        for text in rest {
            found = search(Some(&found.text), found.inside(), text)?;
        }
        Some(found)
    }

    /// The text of the whole, with FRR's indentation and closing lines, in an order in which it can be loaded. FRR 8
    /// makes the router of a VRF that another one imports, with the AS of that other one: imports of routers that
    /// stand further down come last, in their contexts once more.
    pub fn print(&self) -> String {
        let mut text = String::with_capacity(self.count() * 48);
        let mut imports = Vec::new();
        let mut ahead: Vec<&str> = self.lines.iter().filter_map(|line| vrf_of(&line.text)).collect();
        for line in self.lines.iter() {
            let Some(vrf) = vrf_of(&line.text) else {
                line.print(0, &mut text);
                continue;
            };
            ahead.retain(|later| *later != vrf);
            let is_import = |line: &Line| imported(&line.text).is_some_and(|vrf| ahead.contains(&vrf));
            let (now, later) = line.clone().divided(is_import);
            now.print(0, &mut text);
            imports.extend(later);
        }
        for router in &imports {
            router.print(0, &mut text);
        }
        text
    }

    /// Both together.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other } else { self };
        }
        let mut lines = self.into_lines();
        lines.extend(other.into_lines());
        Self::new(lines)
    }
}

/// What is left of lines of a context, which `parent` opens, in their order.
fn lines_without(parent: Option<&str>, lines: &[Line], others: &[Line]) -> Vec<Line> {
    let mut ahead = others;
    let mut same_of = |line: &Line| {
        if !is_in_order(parent) {
            return others.iter().find(|other| other.text == line.text);
        }
        let behind = |other: &Line| {
            !is_same(&other.text, &line.text) && compare(parent, &other.text, &line.text) == Ordering::Less
        };
        ahead = &ahead[ahead.iter().take_while(|other| behind(other)).count()..];
        ahead.first().filter(|other| is_same(&other.text, &line.text))
    };
    let mut left = Vec::new();
    for line in lines {
        match same_of(line) {
            None => left.push(line.clone()),
            Some(same) if line == same => {}
            Some(same) => {
                let inside = lines_without(Some(&line.text), line.inside(), same.inside());
                if !inside.is_empty() {
                    left.push(Line { inside: Some(Arc::new(inside)), ..line.clone() });
                }
            }
        }
    }
    left
}

/// Whether the lines of a context stand in the common order.
fn is_in_order(parent: Option<&str>) -> bool {
    !parent.is_some_and(|parent| parent.starts_with("vni "))
}

/// Under `vni N`, FRR ignores a route target that it derives itself as long as no other is set, so it must come behind
/// the others.
fn put_derived_targets_last(router: &mut Line) {
    let Some(asn) = router_asn(&router.text) else {
        return;
    };
    let has_vnis = |family: &Line| family.inside().iter().any(|line| line.text.starts_with("vni "));
    if !router.inside().iter().any(has_vnis) {
        return;
    }
    for vni in router.inside_mut().iter_mut().flat_map(Line::inside_mut) {
        if let (Some(number), Some(inside)) = (vni.text.strip_prefix("vni "), &mut vni.inside) {
            let inside = Arc::make_mut(inside);
            inside.sort_by_key(|line| is_derived_target(line.text(), asn, number));
        }
    }
}

/// The VRF of a router, from the line that opens it; `default` where it names none.
fn vrf_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("router bgp ")?;
    Some(rest.split_once(" vrf ").map_or("default", |(_, vrf)| vrf))
}

/// The VRF that a line imports.
fn imported(line: &str) -> Option<&str> {
    line.strip_prefix("import vrf ").filter(|rest| !rest.starts_with("route-map "))
}

/// The AS of a router, from the line that opens it.
pub(crate) fn router_asn(line: &str) -> Option<u32> {
    line.strip_prefix("router bgp ")?.split(' ').next()?.parse().ok()
}

/// Whether a line under `vni N` sets the route target that FRR derives itself, given the line of its router.
pub fn sets_derived_target(router: &str, vni: &str, line: &str) -> bool {
    let number = vni.strip_prefix("vni ");
    router_asn(router).zip(number).is_some_and(|(asn, number)| is_derived_target(line, asn, number))
}

/// Whether a line sets the route target that FRR derives for a VNI: the lower half of the AS number, and the VNI.
pub(crate) fn is_derived_target(line: &str, asn: u32, vni: &str) -> bool {
    let target = line.strip_prefix("route-target ").and_then(|rest| rest.split_once(' '));
    let parts = target.and_then(|(_, target)| target.split_once(':'));
    parts.is_some_and(|(left, right)| right == vni && left.parse() == Ok(asn & 0xffff))
}

fn search<'a>(parent: Option<&str>, lines: &'a [Line], text: &str) -> Option<&'a Line> {
    // Not in the common order, and short.
    if !is_in_order(parent) {
        return lines.iter().find(|line| &*line.text == text);
    }
    let at = lines.binary_search_by(|line| compare(parent, &line.text, text));
    at.ok().map(|at| &lines[at])
}

/// Sorts and joins lines of one context.
fn in_order(parent: Option<&str>, mut lines: Vec<Line>) -> Vec<Line> {
    let order = |a: &Line, b: &Line| compare(parent, &a.text, &b.text);
    if lines.is_sorted_by(|a, b| order(a, b) == Ordering::Less) {
        return lines;
    }
    lines.sort_by(order);
    lines.dedup_by(|again, first| {
        let same = again.text == first.text;
        if same && let Some(more) = again.inside.take() {
            let text = first.text.clone();
            let mut inside = first.inside.take().map(Arc::unwrap_or_clone).unwrap_or_default();
            inside.extend(Arc::unwrap_or_clone(more));
            first.inside = Some(Arc::new(in_order(Some(&text), inside)));
        }
        same
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_do_not_matter() {
        let family = |line: &str| Line::context("address-family ipv4 unicast", vec![Line::leaf(line)]);
        let router = |families| Document::new(vec![Line::context("router bgp 1", families)]);
        let twice = router(vec![family("network 10.1.0.0/16"), family("network 10.0.0.0/16")]);
        let once = router(vec![Line::context(
            "address-family ipv4 unicast",
            vec![
                Line::leaf("network 10.0.0.0/16"),
                Line::leaf("network 10.1.0.0/16"),
                Line::leaf("network 10.0.0.0/16"),
            ],
        )]);
        assert_eq!(twice, once);
        assert_eq!(once.count(), 4);
        let path = ["router bgp 1", "address-family ipv4 unicast", "network 10.1.0.0/16"];
        assert!(once.find(&path).is_some());
    }

    #[test]
    fn routers_exist_before_others_import_them() {
        let router = |line: &str, from: &str| {
            let lines = vec![Line::leaf(format!("import vrf {from}")), Line::leaf("network 10.0.0.0/8")];
            let family = Line::context("address-family ipv4 unicast", lines);
            Line::context(line, vec![Line::leaf("bgp router-id 1.1.1.1"), family])
        };
        let both =
            Document::new(vec![router("router bgp 1", "red"), router("router bgp 2 vrf red", "default")]);
        let text = both.print();
        assert!(text.ends_with(
            "router bgp 2 vrf red
 bgp router-id 1.1.1.1
 address-family ipv4 unicast
  network 10.0.0.0/8
  import vrf default
 exit-address-family
exit
router bgp 1
 address-family ipv4 unicast
  import vrf red
 exit-address-family
exit
"
        ));
        assert_eq!(crate::normal::document(&crate::Text::parse(&text)), both);
    }
}
