//! The command's environment as changes to the inherited one.

use crate::ByteString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Changes to the environment that the launcher was started with, by name of the variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment(#[serde(with = "crate::bytes::keyed")] pub BTreeMap<ByteString, Variable>);

/// What happens to one variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its value; `None`: it is unset.
    pub value: Option<ByteString>,
    /// Why.
    pub reason: String,
}

impl Environment {
    /// Sets `name`, replacing an earlier change.
    pub fn set(&mut self, name: &str, value: impl Into<ByteString>, reason: impl Into<String>) {
        let variable = Variable { value: Some(value.into()), reason: reason.into() };
        self.0.insert(name.into(), variable);
    }

    /// Unsets `name`, replacing an earlier change.
    pub fn unset(&mut self, name: &str, reason: impl Into<String>) {
        self.0.insert(name.into(), Variable { value: None, reason: reason.into() });
    }

    /// The value that `name` is set to here; `None` when it is unset or left as inherited.
    pub fn get(&self, name: &str) -> Option<&ByteString> {
        self.0.get(&ByteString::from(name)).and_then(|v| v.value.as_ref())
    }

    /// Applies the changes to an inherited environment.
    pub fn apply(
        &self,
        inherited: impl IntoIterator<Item = (ByteString, ByteString)>,
    ) -> BTreeMap<ByteString, ByteString> {
        let mut out: BTreeMap<_, _> = inherited.into_iter().collect();
        for (name, variable) in &self.0 {
            match &variable.value {
                Some(value) => out.insert(name.clone(), value.clone()),
                None => out.remove(name),
            };
        }
        out
    }
}
