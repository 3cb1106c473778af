//! A plan as JSON: never panics; what is taken is written and read again as the same; and what others
//! are told of it (a tree of the bundle, its flaws) needs no plan of `compose`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::Plan;
use plan::export::oci::{Surroundings, bundle};
use std::collections::BTreeMap;

fuzz_target!(|bytes: &[u8]| {
    let Ok(plan) = Plan::from_json(bytes) else { return };
    assert!(plan.flaws().is_empty());
    let written = plan.to_json().expect("a plan can be written");
    let again = Plan::from_json(written.as_bytes()).expect("what is written is valid");
    assert_eq!(again, plan);
    assert_eq!(again.to_json().expect("a plan can be written"), written);
    let around = Surroundings {
        layers: &BTreeMap::new(),
        trees: &BTreeMap::new(),
        environment: vec![],
        uid: 1000,
        gid: 1000,
        is_directory: &|_| Some(true),
    };
    if let Ok(bundle) = bundle(&plan, &around) {
        for path in bundle.root.keys() {
            let parent = path.parent().expect("the root directory is not listed");
            assert!(parent.file_name().is_none() || bundle.root.contains_key(&parent));
        }
    }
});
