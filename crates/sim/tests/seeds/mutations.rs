//! Every mistake that is built in on purpose is found by a checker within its number of seeds.

use skep_sim::mutation::{ALL, hunt};

#[test]
fn every_mistake_is_found() {
    assert!(ALL.len() >= 8);
    for mutation in ALL {
        assert!(hunt(*mutation, 1).is_some(), "{} is not found", mutation.name);
    }
}
