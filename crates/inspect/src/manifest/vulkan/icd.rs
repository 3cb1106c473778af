//! A driver's manifest.

use crate::manifest::json::{self, Object};
use crate::manifest::{LibraryPath, Locate, Reason};
use plan::Tuple;
use serde_json::Value;

/// A driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icd {
    /// Version of the manifest's format.
    pub file_format_version: String,
    /// Where its library is.
    pub library_path: LibraryPath,
    /// The Vulkan version that it implements, not interpreted.
    pub api_version: String,
    /// Whether it implements Vulkan only with gaps (`VK_KHR_portability_subset`).
    pub is_portability_driver: bool,
    /// `32`, `64`, or absent.
    pub library_arch: Option<String>,
}

/// Reads a driver's manifest.
///
/// # Errors
/// Why it cannot be used.
pub fn parse_icd(bytes: &[u8], locate: Locate<'_>) -> Result<Icd, Reason> {
    let manifest = json::parse(bytes)?;
    let file_format_version = json::version(&manifest, |v| v.starts_with("1.0."), "1.0.*")?;
    let icd = json::object(&manifest, "ICD")?;
    let library_path = json::filled(icd, "library_path", "ICD.library_path")?;
    let api_version = json::string(icd, "api_version", "ICD.api_version")?;
    let library_arch = json::optional_string(icd, "library_arch", "ICD.library_arch")?;
    let is_portability_driver = match icd.get("is_portability_driver") {
        None => false,
        Some(Value::Bool(b)) => *b,
        Some(_) => {
            let member = "ICD.is_portability_driver".into();
            return Err(Reason::Type { member, wanted: "a boolean" });
        }
    };
    Ok(Icd {
        file_format_version,
        library_path: locate(library_path)?,
        api_version: api_version.into(),
        is_portability_driver,
        library_arch: library_arch.map(Into::into),
    })
}

impl Icd {
    /// The manifest for the same driver with its library at `library_path`. It says which word size
    /// it is for, which format 1.0.1 is needed for.
    pub fn rewritten(&self, library_path: &str, tuple: Tuple) -> Vec<u8> {
        let mut icd = Object::new();
        icd.insert("library_path".into(), library_path.into());
        icd.insert("api_version".into(), self.api_version.as_str().into());
        let arch = self.library_arch.as_deref().unwrap_or(super::arch(tuple));
        icd.insert("library_arch".into(), arch.into());
        if self.is_portability_driver {
            icd.insert("is_portability_driver".into(), true.into());
        }
        json::written("1.0.1", "ICD", icd)
    }

    /// Whether the manifest's `library_arch` allows it for `tuple`.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(&self, tuple: Tuple) -> Result<(), Reason> {
        super::check_arch(self.library_arch.as_deref(), tuple)
    }
}
