//! Gathers findings about one object, with paths that cost nothing until something is wrong.

use std::fmt;

use frrk8s_model::{Finding, ObjectId, Rule};

/// The path of a field, built on the way down and written only when somebody asks.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The first step.
    Root(&'a str),
    /// A field of what is above.
    Field(&'a Self, &'a str),
    /// An item of a list field of what is above.
    Item(&'a Self, &'a str, usize),
}

impl<'a> Path<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    pub(crate) fn item(&'a self, list: &'a str, at: usize) -> Self {
        Self::Item(self, list, at)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Field(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, list, at) => write!(f, "{above}.{list}[{at}]"),
        }
    }
}

/// The most findings about one object that are reported, errors and others each.
const FINDINGS_MAX: usize = 1000;

/// The findings about one object.
pub(crate) struct Report<'a> {
    object: &'a ObjectId,
    findings: Vec<Finding>,
    errors: usize,
    /// What there is no room for: the last of it.
    left_out: Option<Finding>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(object: &'a ObjectId) -> Self {
        Self { object, findings: Vec::new(), errors: 0, left_out: None }
    }

    /// Notes a finding; what is returned can be refined.
    pub(crate) fn add(&mut self, rule: Rule, path: &Path<'_>, message: impl Into<String>) -> &mut Finding {
        let finding = Finding::new(rule, self.object, path.to_string(), message);
        let before = if finding.is_error() {
            self.errors
        } else {
            self.findings.len() - self.errors.min(FINDINGS_MAX)
        };
        self.errors += usize::from(finding.is_error());
        if before >= FINDINGS_MAX {
            return self.left_out.insert(finding);
        }
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Notes a finding about a value.
    pub(crate) fn value(
        &mut self,
        rule: Rule,
        path: &Path<'_>,
        value: impl fmt::Display,
        message: impl Into<String>,
    ) {
        let finding = self.add(rule, path, message);
        finding.at.value = Some(frrk8s_model::shown(&value.to_string()));
    }

    /// How many errors there are by now.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    pub(crate) fn finish(mut self) -> Vec<Finding> {
        if let (Some(_), Some(last)) = (self.left_out, self.findings.last_mut()) {
            last.message.push_str(" (and more: only the first findings about an object are listed)");
        }
        self.findings
    }
}
