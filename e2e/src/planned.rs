//! Objects of a test to what FRR is to run.

use frrk8s_api::FRRConfiguration;
use frrk8s_api::k8s::Secret;
use frrk8s_document::Document;
use frrk8s_manifest::{Object, read};
use frrk8s_merge::{Candidate, ConflictPolicy, NodeFacts, Seniority};
use frrk8s_model::{Fragment, ObjectId};
use frrk8s_plan::{NodeInput, plan};
use frrk8s_render::NodeOptions;
use frrk8s_testkit::case::Planned;
use frrk8s_translate::{Secrets, translate};

/// The objects of a test and how its node is rendered.
#[derive(Clone, Debug, Default)]
pub struct PlannedInput {
    /// The objects.
    pub objects: Vec<FRRConfiguration>,
    /// The Secrets.
    pub secrets: Vec<Secret>,
    /// The options of the node.
    pub options: NodeOptions,
}

impl PlannedInput {
    /// The objects and Secrets of a text.
    pub fn read(yaml: &str) -> Self {
        let mut input = Self::default();
        for manifest in read(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}")) {
            match manifest.object {
                Object::Configuration(object) => input.objects.push(*object),
                Object::Secret(secret) => input.secrets.push(*secret),
                Object::Undecodable { mistakes, .. } => panic!("{mistakes:?}\n{yaml}"),
                _ => {}
            }
        }
        input
    }

    /// Plans the node; the objects must go together.
    pub fn plan(&self) -> Planned {
        self.plan_against(None)
    }

    /// The same, with names and numbers kept from what runs.
    pub fn plan_against(&self, running: Option<&Document>) -> Planned {
        let secrets = Secrets::new(&self.secrets);
        let fragments: Vec<Fragment> = self
            .objects
            .iter()
            .map(|object| {
                let metadata = &object.metadata;
                let namespace = metadata.namespace.as_deref().unwrap_or("ns");
                let id = ObjectId::new(namespace, metadata.name.as_deref().unwrap());
                let translation = translate(&id, &object.spec, &secrets);
                translation.fragment.unwrap_or_else(|| panic!("{:#?}", translation.findings))
            })
            .collect();
        let candidates = fragments.iter().map(|fragment| Candidate {
            seniority: Seniority { source: 1, undated: true, created: 0, object: fragment.object.clone() },
            newest: Some(fragment),
            last_accepted: None,
        });
        let input = NodeInput {
            candidates: candidates.collect(),
            policy: ConflictPolicy::Freeze,
            facts: NodeFacts::default(),
            options: self.options.clone(),
            running,
            version: None,
        };
        let plan = plan(&input);
        let outcome = plan.outcome.unwrap_or_else(|| panic!("{:#?}", plan.findings));
        Planned::of(outcome)
    }
}
