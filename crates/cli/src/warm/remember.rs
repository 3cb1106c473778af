//! Writing a launch down.

use super::{key, record::Record};
use crate::launch::Job;
use crate::report;
use plan::{ContainerPath, LayerName, Plan};
use sandbox::{Backend, Bwrap};
use store::{Key, Store};
use witness::{Recording, Verdict, Witnesses};

/// A launch that is being composed, until it is written down.
pub(crate) struct Remembering {
    /// `None`: it is not to be remembered.
    recording: Option<Recording>,
    witnesses: Option<Witnesses>,
    key: Option<Key>,
    timings: bool,
}

/// What else is to be remembered of a launch than its plan.
pub(crate) struct Outcome<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) layers: &'a [(LayerName, Key)],
    pub(crate) trees: &'a [(ContainerPath, Key)],
    pub(crate) home: Vec<plan::HostPath>,
    pub(crate) backend: Backend,
    pub(crate) bwrap: Option<Bwrap>,
}

impl Remembering {
    /// Starts with everything that is looked at from now on. The key is that of the surroundings as they are
    /// now: what changes from here on has another.
    pub(crate) fn start(job: &Job<'_>) -> Self {
        let key = job.question.and_then(|words| key::of(words, &job.edge.environment));
        let recording = key.is_some().then(Recording::start);
        Self { recording, witnesses: None, key, timings: job.manner.timings }
    }

    /// Everything is decided.
    pub(crate) fn decided(&mut self) {
        if let Some(recording) = self.recording.take() {
            self.witnesses = recording.finish();
            if self.witnesses.is_none() {
                log::info!("something was changed a moment ago: the launch is not remembered");
            }
        }
    }

    /// What was decided does not work: something else is decided now, in addition to it.
    pub(crate) fn again(&mut self, store: &Store) {
        let before = self.witnesses.take();
        let Some(key) = &self.key else { return };
        if let Err(error) = store.launch_forget(key) {
            log::info!("the launch is not forgotten: {error}");
        }
        let recording = Recording::start();
        // What was looked at before is not looked at again, and counts all the same.
        if before.is_some_and(|before| before.hold() == Ok(Verdict::Holds)) {
            self.recording = Some(recording);
        }
    }

    /// Writes it down.
    pub(crate) fn keep(&self, store: &Store, outcome: Outcome<'_>) {
        let (Some(key), Some(witnesses)) = (&self.key, &self.witnesses) else { return };
        // What is in a temporary store is gone with this process.
        if store.is_ephemeral() {
            return;
        }
        let record = Record {
            said: report::standing_lines(),
            home: outcome.home,
            backend: outcome.backend,
            bwrap: outcome.bwrap,
            layers: outcome.layers.to_vec(),
            trees: outcome.trees.to_vec(),
            plan: Plan {
                layers: vec![],
                decisions: vec![],
                warnings: vec![],
                ..outcome.plan.clone()
            },
        };
        let Some(bytes) = record.write(self.timings, witnesses) else { return };
        if let Err(error) = store.launch_put(key, &bytes) {
            log::info!("the launch is not remembered: {error}");
        }
    }
}
