//! The programs of the workload: every bundle of `corpus/sim` and the refund bundle, compiled once and shared by all seeds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use provost_language::{Sources, compile};
use provost_model::{Digest, TenantId};
use provost_runtime::{Binding, Loaded, Registry, TenantWorld, World};

/// Why the corpus cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {source}; start at the root of the repository")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A bundle does not compile.
    #[error("bundle `{bundle}` does not compile: {why}")]
    Bundle {
        /// Which bundle.
        bundle: String,
        /// The findings.
        why: String,
    },
}

impl CorpusError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "corpus-read",
            Self::Bundle { .. } => "corpus-bundle",
        }
    }
}

/// The compiled bundles.
#[derive(Clone)]
pub struct Corpus {
    bundles: BTreeMap<Digest, Arc<Loaded>>,
}

impl Corpus {
    /// Reads and compiles everything under `root`.
    ///
    /// # Errors
    /// [`CorpusError`] with the file, or with the findings.
    pub fn load(root: &Path) -> Result<Self, CorpusError> {
        let mut folders = vec![root.join("bundles/refund-triage")];
        folders.extend(entries(&root.join("corpus/sim"))?);
        let mut bundles = BTreeMap::new();
        for folder in folders {
            let mut sources = Sources::new();
            read(&folder, &folder, &mut sources)?;
            let refused = |why: String| CorpusError::Bundle { bundle: folder.display().to_string(), why };
            let checked = compile(&sources);
            let Some(bundle) = checked.bundle else {
                return Err(refused(checked.findings.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>().join("\n")));
            };
            let loaded = provost_runtime::control_plane::load(provost_runtime::control_plane::stored(&bundle));
            bundles.insert(bundle.digest, Arc::new(loaded.map_err(|e| refused(e.to_string()))?));
        }
        Ok(Self { bundles })
    }

    /// A registry that shows them to `tenants`.
    pub fn registry(&self, tenants: &[TenantId]) -> Registry {
        let mut active = BTreeMap::new();
        for (digest, bundle) in &self.bundles {
            active.extend(bundle.workflows.keys().map(|workflow| (workflow.clone(), *digest)));
        }
        let names = ["outside", "payments", "crm"];
        let destinations = names.iter().map(|name| ((*name).to_owned(), "http://localhost:1".to_owned())).collect();
        let binding = Arc::new(Binding { revision: 1, destinations });
        let shown = TenantWorld { bundles: self.bundles.clone(), active, binding, ..TenantWorld::default() };
        let shown = Arc::new(shown);
        let registry = Registry::default();
        registry.replace(World { tenants: tenants.iter().map(|tenant| (tenant.clone(), shown.clone())).collect() });
        registry
    }
}

fn entries(folder: &Path) -> Result<Vec<std::path::PathBuf>, CorpusError> {
    let failed = |source| CorpusError::Read { path: folder.display().to_string(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        found.push(entry.map_err(failed)?.path());
    }
    found.sort();
    Ok(found)
}

fn read(top: &Path, folder: &Path, sources: &mut Sources) -> Result<(), CorpusError> {
    for path in entries(folder)? {
        if path.is_dir() {
            read(top, &path, sources)?;
        } else {
            let bytes = std::fs::read(&path).map_err(|source| CorpusError::Read { path: path.display().to_string(), source })?;
            let name = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            sources.add(&name, bytes);
        }
    }
    Ok(())
}
