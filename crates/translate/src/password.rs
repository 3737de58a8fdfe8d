//! The password of a session: written in the object, or in a Secret.

use frrk8s_api as api;
use frrk8s_model::{Rule, Secret, shown};

use crate::report::{Path, Report};
use crate::secrets::{SecretProblem, Secrets};

pub(crate) fn password(
    neighbor: &api::Neighbor,
    secrets: &Secrets,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<Secret> {
    let reference = &neighbor.password_secret;
    let at_secret = path.field("passwordSecret");
    if reference.namespace.is_some() {
        let message = "the namespace of the reference is ignored";
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        report.value(Rule::SecretNamespace, &at_secret.field("namespace"), namespace, message);
    }
    match (&neighbor.password, reference.name.as_deref()) {
        (None, None) => None,
        (Some(_), Some(name)) => {
            let message = format!("both a password and the Secret {} are set", shown(name));
            report.value(Rule::PasswordTwice, &at_secret.field("name"), name, message);
            None
        }
        (Some(password), None) => {
            let text = password.reveal();
            check(text, &path.field("password"), report)
        }
        (None, Some(name)) => from_secret(name, secrets, &at_secret.field("name"), report),
    }
}

fn from_secret(name: &str, secrets: &Secrets, path: &Path<'_>, report: &mut Report<'_>) -> Option<Secret> {
    let shown_name = shown(name);
    let (rule, message) = match secrets.password(name) {
        Ok(found) => {
            if found.assumed {
                let message = format!("secret {shown_name} not found; it is assumed to be on the node");
                let finding = report.add(Rule::SecretAssumed, path, message);
                finding.at.value = Some(shown_name);
            }
            let text = &found.password;
            let trimmed =
                text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
            if trimmed.len() < text.len() {
                let message = "the password ends in a line break, which is dropped";
                report.value(Rule::PasswordLineBreak, path, name, message);
            }
            return check(trimmed, path, report);
        }
        Err(SecretProblem::Missing) => (Rule::SecretMissing, format!("secret {shown_name} not found")),
        Err(SecretProblem::OtherType(kind)) => (
            Rule::SecretInvalid,
            format!("secret {shown_name} is of type {}, not kubernetes.io/basic-auth", shown(&kind)),
        ),
        Err(SecretProblem::NoPassword) => {
            (Rule::SecretInvalid, format!("secret {shown_name} has no key password"))
        }
        Err(SecretProblem::NotText) => {
            (Rule::SecretInvalid, format!("the password of secret {shown_name} is not text"))
        }
    };
    report.value(rule, path, name, message);
    None
}

/// A password against FRR's grammar. What is wrong is said without the password.
fn check(text: &str, path: &Path<'_>, report: &mut Report<'_>) -> Option<Secret> {
    match Secret::password(text) {
        Ok(secret) => Some(secret),
        Err(error) => {
            report.value(Rule::PasswordInvalid, path, "***", error.to_string());
            None
        }
    }
}
