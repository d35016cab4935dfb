//! A node: one data folder with its planes, opened and resumed. What a server, a demo or a verb without a server stands on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_control::{ControlCommand, ServerKey, TokenSecret};
use provost_model::{Digest, TenantId, Who};
use provost_store::{Folder, Store as _, StoreError};
use provost_telemetry::Secret;

use crate::control_plane::ControlPlane;
use crate::gate::Refused;
use crate::hands::Hands;
use crate::observer::Observer;
use crate::plane::Plane;
use crate::registry::Registry;
use crate::retention::RetentionConfig;
use crate::shell::now_us;

/// Partitions of a new data folder.
pub const PARTITIONS: u32 = 4;
pub(crate) const TENANTS_FILE: &str = "tenants.json";
const KEY_FILE: &str = "server.key";

/// What a node is opened with.
pub struct NodeConfig {
    /// The data folder.
    pub data: PathBuf,
    /// Partitions, where the folder is new.
    pub partitions: u32,
    /// Who carries out built-in work.
    pub hands: Arc<dyn Hands>,
    /// Where metrics and spans go.
    pub observer: Observer,
    /// What is kept for how long.
    pub retention: RetentionConfig,
}

/// An open data folder.
pub struct Node {
    /// The data plane.
    pub plane: Plane,
    /// The control plane.
    pub control: ControlPlane,
    path: PathBuf,
    folder: Folder,
}

impl Node {
    /// Opens a data folder, folds its control journals, resumes all unfinished work.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong with the folder.
    pub fn open(config: NodeConfig) -> Result<Self, Refused> {
        let folder = Folder::open(&config.data, config.partitions, now_us())?;
        let key = server_key(&folder)?;
        let salt = salt_of(&key);
        let registry = Registry::default();
        let mut partitions = Plane::open(&folder, &registry, salt)?;
        let Some(first) = partitions.first_mut() else { return Err(Refused::Internal("the data folder has no partition".to_owned())) };
        let tenants = read_tenants(&config.data)?;
        let key = ServerKey::new(Secret::new(key));
        let control = ControlPlane::load(first, &tenants, folder.blobs(), key, registry.clone())?;
        let plane = Plane::start(partitions, registry, config.hands, config.observer, config.retention, salt, folder.blobs())?;
        Ok(Self { plane, control, path: config.data, folder })
    }

    /// Where the data folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the blobs that no row names and that are older than `grace`. Returns how many.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn sweep_blobs(&self, grace: std::time::Duration) -> Result<u64, Refused> {
        crate::sweep::sweep(&self.plane, &self.folder.blobs(), grace).await
    }

    /// Makes sure a tenant exists.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn ensure_tenant(&self, tenant: &TenantId, by: Who) -> Result<(), Refused> {
        if self.control.control(tenant).await.is_some_and(|control| control.created) {
            return Ok(());
        }
        let mut tenants = read_tenants(&self.path)?;
        if !tenants.contains(tenant) {
            tenants.push(tenant.clone());
            write_small(&self.path.join(TENANTS_FILE), &serde_json::to_vec(&tenants).map_err(|e| Refused::Internal(e.to_string()))?)?;
        }
        let command = ControlCommand::CreateTenant { by, reason: "first use".into() };
        self.control.command(&self.plane, tenant, command).await.map(|_| ())
    }
}

impl Node {
    /// Makes a named token; only its keyed hash is kept, so it can be shown this once.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn create_token(
        &self,
        tenant: &TenantId,
        name: &str,
        roles: Vec<Arc<str>>,
        expires_at_us: Option<i64>,
        by: Who,
        reason: Arc<str>,
    ) -> Result<TokenSecret, Refused> {
        let token = TokenSecret::from_random(&Secret::new(crate::plane::random()));
        let command = ControlCommand::CreatePrincipal {
            name: name.into(),
            roles,
            token_hash: token.hash(self.control.key()),
            prefix: token.prefix().into(),
            expires_at_us,
            by,
            reason,
        };
        self.control.command(&self.plane, tenant, command).await?;
        Ok(token)
    }
}

fn read_tenants(folder: &Path) -> Result<Vec<TenantId>, Refused> {
    let path = folder.join(TENANTS_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| damaged(&path, &e.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(damaged(&path, &error.to_string())),
    }
}

fn damaged(path: &Path, what: &str) -> Refused {
    Refused::Store(StoreError::Damaged { path: path.display().to_string(), what: what.to_owned() })
}

/// What is said of a key that is gone.
const NO_OTHER_FITS: &str = "it is not there, and no mark or token fits another key";

/// The folder's own key for token hashes and marks, readable by its owner only. It is made once, before the first row: whatever is
/// recorded fits no other.
fn server_key(folder: &Folder) -> Result<[u8; 32], Refused> {
    if let Some(key) = read_key(folder.path())? {
        return Ok(key);
    }
    if has_rows(folder)? {
        return Err(lost_key(folder.path(), NO_OTHER_FITS));
    }
    let key = crate::plane::random();
    write_small(&folder.path().join(KEY_FILE), &key)?;
    Ok(key)
}

/// Whether anything is recorded.
fn has_rows(folder: &Folder) -> Result<bool, StoreError> {
    for index in 0..folder.partitions() {
        if !folder.partition(index)?.feed(0, 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_key(folder: &Path) -> Result<Option<[u8; 32]>, Refused> {
    let path = folder.join(KEY_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map(Some).map_err(|_| lost_key(folder, "it has not 32 bytes")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(lost_key(folder, &error.to_string())),
    }
}

fn lost_key(folder: &Path, what: &str) -> Refused {
    Refused::Store(StoreError::Lost { path: folder.join(KEY_FILE).display().to_string(), what: what.to_owned() })
}

/// The key of the marks that stand for subjects, in a folder that has one.
pub(crate) fn existing_salt(folder: &Path) -> Result<[u8; 32], Refused> {
    read_key(folder)?.map(|key| salt_of(&key)).ok_or_else(|| lost_key(folder, NO_OTHER_FITS))
}

fn salt_of(key: &[u8; 32]) -> [u8; 32] {
    *Digest::of_parts(&[b"subject", key]).as_bytes()
}

/// Writes a small file whole, synced, readable by its owner only.
pub(crate) fn write_small(path: &Path, bytes: &[u8]) -> Result<(), Refused> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let unfinished = path.with_extension("unfinished");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&unfinished, path))
        .and_then(|()| std::fs::File::open(path.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()));
    written.map_err(|error| Refused::Store(StoreError::Io { path: path.display().to_string(), what: error.to_string() }))
}
