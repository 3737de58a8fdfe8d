//! What somebody asked of the API server, by its audit log, held against the rules that they have.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A policy by which the API server writes down each request of a service account, answers included but no bodies.
fn policy(account: &str) -> String {
    format!(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
         - {{level: Metadata, users: ['{account}']}}\n- {{level: None}}\n"
    )
}

/// Requests of one account.
#[derive(Clone, Debug)]
pub struct Audit {
    log: PathBuf,
}

impl Audit {
    /// Into a directory.
    pub fn new(directory: &Path, account: &str) -> Self {
        fs::write(directory.join("audit-policy.yaml"), policy(account)).unwrap();
        Self { log: directory.join("audit.log") }
    }

    /// What the API server is to be started with.
    pub fn arguments(&self) -> Vec<String> {
        let policy = self.log.with_file_name("audit-policy.yaml");
        vec![
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", self.log.display()),
            "--audit-log-mode=blocking".to_owned(),
        ]
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| Request::of(&serde_json::from_str(line).ok()?)).collect()
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// What was asked for.
    pub access: Access,
    /// The namespace, empty for what is in none.
    pub namespace: String,
    /// The name, empty where none was given.
    pub name: String,
    /// What the server answered.
    pub code: u64,
}

impl Request {
    fn of(event: &Value) -> Option<Self> {
        let object = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = match object["subresource"].as_str() {
            Some(subresource) => format!("{}/{subresource}", object["resource"].as_str()?),
            None => object["resource"].as_str()?.to_owned(),
        };
        let access = Access { verb: text(&event["verb"]), group: text(&object["apiGroup"]), resource };
        let code = event["responseStatus"]["code"].as_u64().unwrap_or_default();
        Some(Self { access, namespace: text(&object["namespace"]), name: text(&object["name"]), code })
    }

    /// Whether it was refused for want of permission.
    pub fn is_refused(&self) -> bool {
        [401, 403].contains(&self.code)
    }

    /// What RBAC was asked for it: an apply that makes an object is asked for twice.
    pub fn accesses(&self) -> Vec<Access> {
        let mut all = vec![self.access.clone()];
        if self.access.verb == "patch" && self.code == 201 {
            all.push(Access { verb: "create".to_owned(), ..self.access.clone() });
        }
        all
    }
}

/// A verb on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// `get`, `list` …
    pub verb: String,
    /// The API group, empty for the core.
    pub group: String,
    /// The resource, with its subresource.
    pub resource: String,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource } = self;
        match group.as_str() {
            "" => write!(f, "{verb} {resource}"),
            group => write!(f, "{verb} {resource}.{group}"),
        }
    }
}

/// Everything that roles grant, a rule of several verbs and resources taken apart.
pub fn granted<'a>(roles: impl Iterator<Item = &'a Value>) -> BTreeSet<Access> {
    let words = |rule: &Value, field: &str| -> Vec<String> {
        let words = rule[field].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    };
    let mut all = BTreeSet::new();
    for rule in roles.flat_map(|role| role["rules"].as_array().into_iter().flatten()) {
        for group in words(rule, "apiGroups") {
            for resource in words(rule, "resources") {
                for verb in words(rule, "verbs") {
                    all.insert(Access { verb, group: group.clone(), resource: resource.clone() });
                }
            }
        }
    }
    all
}
