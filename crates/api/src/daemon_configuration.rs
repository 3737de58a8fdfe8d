//! `FRRK8sConfiguration`: settings of the daemons themselves.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;
use crate::wire::{optional_spec, text, unset};

open_enum! {
    /// How much the daemons and FRR log.
    pub enum LogLevel {
        /// The same as `debug`.
        All = "all",
        /// Everything.
        Debug = "debug",
        /// One line for each outcome.
        Info = "info",
        /// What needs attention, and worse.
        Warn = "warn",
        /// Failures.
        Error = "error",
        /// Nothing.
        None = "none",
    }
}

/// Settings of the daemons.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, remote = "Self")]
#[kube(
    group = "frrk8s.metallb.io",
    version = "v1beta1",
    kind = "FRRK8sConfiguration",
    namespaced,
    status = "FRRK8sConfigurationStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "Settings of the daemons themselves. Only the object named config in the namespace of the daemons counts.",
    printcolumn(name = "Level", type_ = "string", json_path = ".spec.logLevel"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct FRRK8sConfigurationSpec {
    /// How much the daemons and FRR log. By default what the daemons were started with. `all` is the same as `debug`.
    #[serde(deserialize_with = "text", skip_serializing_if = "unset")]
    pub log_level: Option<LogLevel>,
}
optional_spec!(FRRK8sConfigurationSpec);

impl FRRK8sConfiguration {
    /// The name of the one object that counts.
    pub const NAME: &str = "config";
}

/// Empty: nothing is reported here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FRRK8sConfigurationStatus {}
