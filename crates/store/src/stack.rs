//! What a tree is made of.

use crate::Error;
use crate::dir::Dir;
use crate::identity;
use crate::key::Hasher;
use crate::node::Node;
use crate::union::Layer;
use plan::{HostPath, LayerName, LayerSpec, RootPath, Source};

/// Directories and descriptions to be united, uppermost first.
#[derive(Clone, Debug, Default)]
pub struct Stack<'a>(pub Vec<StackSource<'a>>);

/// One of them.
#[derive(Clone, Debug)]
pub enum StackSource<'a> {
    /// A directory of the host.
    ///
    /// The key covers its path; inode, modification and change time of itself and of a fixed list of
    /// files and directories in and around it that change when a runtime is replaced, updated or
    /// added to (`os-release`, the library directories, `VERSIONS.txt`, the depot's manifest, dpkg's
    /// status …; `identity.rs` has the list); and, on a mounted image, the file behind it. An edit in
    /// place of some other file deep inside is not noticed.
    Directory {
        /// Where.
        path: HostPath,
        /// What else identifies it, where the caller knows more; may be empty.
        identity: Vec<u8>,
    },
    /// A path within a described layer. The layer need not be in the store.
    Layer {
        /// The description.
        spec: &'a LayerSpec,
        /// What of it; `/` is all of it.
        path: RootPath,
    },
}

impl<'a> Stack<'a> {
    /// The sources of a plan's [`plan::Op::Stack`] with the plan's layers. The name of a layer that
    /// is not among them is returned as error.
    ///
    /// # Errors
    /// See above.
    pub fn of(sources: &[Source], layers: &'a [LayerSpec]) -> Result<Self, LayerName> {
        let one = |source: &Source| match source {
            Source::Host(path) => {
                Ok(StackSource::Directory { path: path.clone(), identity: vec![] })
            }
            Source::Layer { layer, path } => layers
                .iter()
                .find(|spec| &spec.name == layer)
                .map(|spec| StackSource::Layer { spec, path: path.clone() })
                .ok_or_else(|| layer.clone()),
        };
        sources.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn digest(&self, hasher: &mut Hasher) -> Result<(), Error> {
        hasher.number(self.0.len() as u64);
        for source in &self.0 {
            match source {
                StackSource::Directory { path, identity } => {
                    hasher.number(1);
                    hasher.bytes(&identity::of(path)?);
                    hasher.bytes(identity);
                }
                StackSource::Layer { spec, path } => {
                    hasher.number(2);
                    hasher.layer(spec, path);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> String {
        let one = |source: &StackSource<'_>| match source {
            StackSource::Directory { path, .. } => path.to_string(),
            StackSource::Layer { spec, path } => format!("layer:{}{path}", spec.name),
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(" over ")
    }

    /// The described ones as trees, in their order; `None` for directories.
    pub(crate) fn nodes(&self) -> Result<Vec<Option<Node<'a>>>, Error> {
        let one = |source: &StackSource<'a>| match source {
            StackSource::Directory { .. } => Ok(None),
            StackSource::Layer { spec, path } => Node::of(spec, path).map(Some),
        };
        self.0.iter().map(one).collect()
    }

    pub(crate) fn layers<'n>(
        &self,
        nodes: &'n [Option<Node<'a>>],
    ) -> Result<Vec<Layer<'n>>, Error> {
        let one = |(source, node): (&StackSource<'a>, &'n Option<Node<'a>>)| match (source, node) {
            (_, Some(node)) => Ok(Some(Layer::Spec(node))),
            (StackSource::Directory { path, .. }, None) => {
                let dir = Dir::open(path).map_err(|errno| Error::Source {
                    path: path.clone(),
                    call: "open",
                    errno,
                })?;
                Layer::disk(dir).map(Some)
            }
            (StackSource::Layer { .. }, None) => Ok(None),
        };
        let layers: Result<Vec<_>, _> = self.0.iter().zip(nodes).map(one).collect();
        Ok(layers?.into_iter().flatten().collect())
    }
}
