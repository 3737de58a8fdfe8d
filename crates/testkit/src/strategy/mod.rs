//! Random sets of objects for property tests: several owners who write about one small world.
//!
//! A [`World`] settles what a node looks like: routers, neighbors, profiles. Owners pick parts of it, so their
//! objects overlap and, left alone, agree. A *twist* makes one owner say something else about one field, so that
//! objects conflict as often as a test wants.

mod object;
mod world;

pub use object::{ObjectSpec, Twist, TwistField, object_spec, twist};
pub use world::{BfdSpec, EvpnSpec, PeerSpec, RouterSpec, World, world};

use frrk8s_api::FRRConfiguration;
use proptest::collection::vec;
use proptest::prelude::*;

/// A set of objects that agree, over all features.
pub fn agreeing_objects(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<FRRConfiguration>> {
    (world(), vec(object_spec(), count)).prop_map(|(world, specs)| build(&world, &specs))
}

/// A set of objects of which some may conflict.
pub fn objects(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<FRRConfiguration>> {
    let twisted = (object_spec(), prop::option::weighted(0.4, twist()));
    (world(), vec(twisted, count)).prop_map(|(world, specs)| {
        let specs: Vec<ObjectSpec> =
            specs.into_iter().map(|(spec, twist)| ObjectSpec { twist, ..spec }).collect();
        build(&world, &specs)
    })
}

fn build(world: &World, specs: &[ObjectSpec]) -> Vec<FRRConfiguration> {
    specs.iter().enumerate().map(|(number, spec)| spec.build(world, number)).collect()
}
