//! Making a case that differs as small as it can be.

use crate::ask::{Programs, Way};
use crate::case::Case;
use crate::compare::{Difference, Tally, check};

/// Most attempts; each is a launch or two.
const ATTEMPTS: usize = 600;

/// Takes away what is not needed for the case to differ in the same way.
pub(crate) fn reduce(
    way: &Way,
    programs: &Programs,
    case: &Case,
    difference: Difference,
) -> (Case, Difference) {
    let mut best = (case.clone(), difference);
    if let Difference::Answer { question, .. } = &best.1 {
        best.0.questions = vec![question.clone()];
    } else {
        best.0.questions.clear();
    }
    let mut attempts = 0;
    loop {
        let before = best.0.clone();
        for smaller in smaller(&before) {
            attempts += 1;
            if attempts > ATTEMPTS {
                return best;
            }
            let found = check(way, programs, &smaller, &mut Tally::default());
            if let Some(found) = found
                && std::mem::discriminant(&found) == std::mem::discriminant(&best.1)
            {
                best = (smaller, found);
                break;
            }
        }
        if best.0 == before {
            return best;
        }
    }
}

/// Everything that is one thing, or a half of them, smaller.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    for index in 0..case.trees.len() {
        for entries in without(&case.trees[index]) {
            let mut smaller = case.clone();
            smaller.trees[index] = entries;
            all.push(smaller);
        }
    }
    for index in 0..case.layers.len() {
        for entries in without(&case.layers[index]) {
            let mut smaller = case.clone();
            smaller.layers[index] = entries;
            all.push(smaller);
        }
    }
    for acts in without(&case.acts) {
        all.push(Case { acts, ..case.clone() });
    }
    for (index, act) in case.acts.iter().enumerate() {
        if let crate::case::Act::Stack { sources, at } = act
            && sources.len() > 2
        {
            for sources in without(sources).into_iter().filter(|s| s.len() >= 2) {
                let mut smaller = case.clone();
                smaller.acts[index] = crate::case::Act::Stack { sources, at: at.clone() };
                all.push(smaller);
            }
        }
    }
    all
}

fn without<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let mut out = Vec::new();
    if all.len() > 3 {
        let half = all.len() / 2;
        out.push(all[..half].to_vec());
        out.push(all[half..].to_vec());
    }
    for index in 0..all.len() {
        let mut fewer = all.to_vec();
        fewer.remove(index);
        out.push(fewer);
    }
    out
}
