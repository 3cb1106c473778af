//! Symbol versions that a file defines and needs (`DT_VERDEF`, `DT_VERNEED`).

use super::Error;
use super::image::{Dynamic, Image, pod};
use object::elf;
use object::endian::Endianness;
use object::read::elf::FileHeader;

/// The most versions that are read, defined or needed.
const MAX_VERSIONS: u64 = 16 << 10;

/// One version that a file defines.
pub(super) struct Definition {
    /// Its number in the table that gives each symbol its version.
    pub(super) index: u16,
    pub(super) name: String,
    /// Whether it stands for the file itself.
    pub(super) is_base: bool,
}

/// Versions that a file needs of others.
#[derive(Default)]
pub(super) struct Requirements {
    /// File → versions.
    pub(super) all: Vec<(String, Vec<String>)>,
    /// Those of them whose absence is no error: file, version.
    pub(super) weak: Vec<(String, String)>,
}

/// Moves on in a list whose elements say how far it is to the next.
fn next(at: u64, step: u32) -> Result<u64, Error> {
    at.checked_add(step.into()).ok_or(Error::Malformed("versions beyond the end"))
}

impl<H: FileHeader<Endian = Endianness>> Image<'_, H> {
    /// The versions that the file defines, in the order of the file.
    pub(super) fn definitions(&self, dynamic: &Dynamic) -> Result<Vec<Definition>, Error> {
        let mut found = Vec::new();
        let Some(address) = dynamic.get(elf::DT_VERDEF) else { return Ok(found) };
        let (mut at, _) = self.offset_of(address)?;
        let count = dynamic.get(elf::DT_VERDEFNUM).unwrap_or(MAX_VERSIONS);
        for _ in 0..bounded(count)? {
            let definition: elf::Verdef<Endianness> = pod(self.source, at)?;
            // The first name is that of the version, the others are those that it follows.
            if definition.vd_cnt.get(self.endian) > 0 {
                let aux = next(at, definition.vd_aux.get(self.endian))?;
                let aux: elf::Verdaux<Endianness> = pod(self.source, aux)?;
                let flags = definition.vd_flags.get(self.endian);
                found.push(Definition {
                    index: definition.vd_ndx.get(self.endian).0 & elf::VERSYM_VERSION,
                    name: self.string(dynamic, aux.vda_name.get(self.endian).into())?,
                    is_base: flags.0 & elf::VER_FLG_BASE.0 != 0,
                });
            }
            match definition.vd_next.get(self.endian) {
                0 => break,
                step => at = next(at, step)?,
            }
        }
        Ok(found)
    }

    /// What is needed of other files, in the order of the file.
    pub(super) fn requirements(&self, dynamic: &Dynamic) -> Result<Requirements, Error> {
        let mut found = Requirements::default();
        let Some(address) = dynamic.get(elf::DT_VERNEED) else { return Ok(found) };
        let (mut at, _) = self.offset_of(address)?;
        let count = dynamic.get(elf::DT_VERNEEDNUM).unwrap_or(MAX_VERSIONS);
        let mut left = MAX_VERSIONS;
        for _ in 0..bounded(count)? {
            let need: elf::Verneed<Endianness> = pod(self.source, at)?;
            let file = self.string(dynamic, need.vn_file.get(self.endian).into())?;
            let mut names = Vec::new();
            let mut aux_at = next(at, need.vn_aux.get(self.endian))?;
            for _ in 0..need.vn_cnt.get(self.endian) {
                left = left.checked_sub(1).ok_or(Error::TooLarge("versions"))?;
                let aux: elf::Vernaux<Endianness> = pod(self.source, aux_at)?;
                let name = self.string(dynamic, aux.vna_name.get(self.endian).into())?;
                if aux.vna_flags.get(self.endian).0 & elf::VER_FLG_WEAK.0 != 0 {
                    found.weak.push((file.clone(), name.clone()));
                }
                names.push(name);
                match aux.vna_next.get(self.endian) {
                    0 => break,
                    step => aux_at = next(aux_at, step)?,
                }
            }
            found.all.push((file, names));
            match need.vn_next.get(self.endian) {
                0 => break,
                step => at = next(at, step)?,
            }
        }
        Ok(found)
    }
}

fn bounded(count: u64) -> Result<u64, Error> {
    if count > MAX_VERSIONS { Err(Error::TooLarge("versions")) } else { Ok(count) }
}
