//! The types of Kubernetes itself that the other crates need, so that this crate alone decides their version.

pub use k8s_openapi::ByteString;
pub use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
pub use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
pub use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeStatus, ObjectReference, Secret};
pub use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    Condition, LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference, Time,
};
pub use k8s_openapi::jiff::Timestamp;
pub use kube::core::{Expression, ParseExpressionError, Selector, SelectorExt};
pub use kube::{Resource, ResourceExt};
