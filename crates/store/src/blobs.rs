//! Blobs: large values by their digest, one file each, under the tenant's own folder.
//!
//! What must stay true: a blob is on disk before its reference is returned; what is read has the digest it is asked for by; two tenants
//! never share a file. Not here: who may read one, and when one is no longer named.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use provost_model::{Digest, TenantId, Value};
use serde::{Deserialize, Serialize};

use crate::batch::within;
use crate::error::StoreError;
use crate::folder::{io, sync_folder, write_whole};

/// Longest blob, in bytes.
pub const BLOB_BYTES_MAX: usize = 1 << 30;

/// What stands in the record instead of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// What they are.
    pub media_type: String,
}

impl BlobRef {
    /// The reference as a value, `{digest, size, media_type}`: what expressions and workers see.
    pub fn to_value(&self) -> Value {
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        let media_type = Value::from(self.media_type.as_str());
        Value::object([("digest", Value::from(self.digest.to_string())), ("size", Value::Int(size)), ("media_type", media_type)])
    }

    /// The reference that a value is; `None` for every other value.
    pub fn of_value(value: &Value) -> Option<Self> {
        let members = value.as_object().filter(|members| members.len() == 3)?;
        let text = |key: &str| members.lookup(key).and_then(Value::as_str);
        let size = members.lookup("size").and_then(Value::as_int)?;
        Some(Self { digest: text("digest")?.parse().ok()?, size: u64::try_from(size).ok()?, media_type: text("media_type")?.to_owned() })
    }
}

/// A folder of blobs. Its clones are one: what one of them puts, no other sweeps at the same moment.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: PathBuf,
    /// Held while a blob that is there gets a new time, and while one is looked at and deleted.
    turn: Arc<Mutex<()>>,
}

impl Blobs {
    /// Blobs under `root`, which is created at the first write.
    pub fn new(root: PathBuf) -> Self {
        Self { root, turn: Arc::default() }
    }

    /// The blobs of the data folder `data`.
    pub fn of_folder(data: &Path) -> Self {
        Self::new(data.join("blobs"))
    }

    /// Keeps bytes; durable when it returns. The same bytes of the same tenant are kept once.
    ///
    /// # Errors
    /// `TooLarge`, `Full` or `Io`.
    pub fn put(&self, tenant: &TenantId, bytes: &[u8], media_type: &str) -> Result<BlobRef, StoreError> {
        within("a blob", bytes.len(), BLOB_BYTES_MAX, "bytes")?;
        let digest = Digest::of(bytes);
        let reference = BlobRef { digest, size: bytes.len() as u64, media_type: media_type.to_owned() };
        if self.is_kept(tenant, &reference)? {
            return Ok(reference);
        }
        let folder = self.folder(tenant, &digest);
        self.create_folders(&folder)?;
        write_whole(&folder, &self.file(tenant, &digest), bytes)?;
        Ok(reference)
    }

    /// Whether the bytes are there already, sound; their time is renewed first, so that no sweep takes them.
    fn is_kept(&self, tenant: &TenantId, reference: &BlobRef) -> Result<bool, StoreError> {
        if !self.renewed(&self.file(tenant, &reference.digest))? {
            return Ok(false);
        }
        match self.open(tenant, reference) {
            Ok(found) => Ok(found.is_some()),
            Err(StoreError::Lost { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a blob a new time; `false` where there is none.
    fn renewed(&self, path: &Path) -> Result<bool, StoreError> {
        let _alone = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match File::options().write(true).open(path).and_then(|file| file.set_modified(SystemTime::now())) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io(path, &error)),
        }
    }

    /// Deletes a file that is older than `before`; `false` for one that is not.
    fn leaves(&self, path: &Path, before: SystemTime) -> Result<bool, StoreError> {
        let _alone = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let old = is_older(path, before)?;
        if old {
            std::fs::remove_file(path).map_err(|e| io(path, &e))?;
        }
        Ok(old)
    }

    /// The bytes behind a reference, their digest checked; `None` when the tenant has no such blob.
    ///
    /// # Errors
    /// `Lost` when the bytes are others, `Io`.
    pub fn open(&self, tenant: &TenantId, reference: &BlobRef) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(bytes) = self.named(tenant, &reference.digest)? else { return Ok(None) };
        if bytes.len() as u64 == reference.size {
            return Ok(Some(bytes));
        }
        let what = format!("it has {} bytes, its reference says {}", bytes.len(), reference.size);
        Err(StoreError::Lost { path: self.file(tenant, &reference.digest).display().to_string(), what })
    }

    /// The bytes behind a digest, checked; `None` when the tenant has no such blob.
    ///
    /// # Errors
    /// `Lost` when the bytes are others, `Io`.
    pub fn named(&self, tenant: &TenantId, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.file(tenant, digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&path, &error)),
        };
        let mut bytes = Vec::new();
        file.take(BLOB_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|e| io(&path, &e))?;
        if Digest::of(&bytes) == *digest {
            return Ok(Some(bytes));
        }
        let what = format!("its bytes are not those of `{digest}`");
        Err(StoreError::Lost { path: path.display().to_string(), what })
    }

    /// Deletes a tenant's blobs that are not in `named` and older than `before`. Returns how many.
    ///
    /// # Errors
    /// `Io`; what was deleted before stays deleted.
    pub fn sweep(&self, tenant: &TenantId, named: &BTreeSet<Digest>, before: SystemTime) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for folder in entries(&self.root.join(tenant.as_str()))? {
            for file in entries(&folder)? {
                let kept = digest_of_name(&file).is_some_and(|digest| named.contains(&digest));
                deleted += u64::from(!kept && self.leaves(&file, before)?);
            }
        }
        Ok(deleted)
    }

    /// A tenant's blobs older than `before`.
    ///
    /// # Errors
    /// `Io`.
    pub fn older(&self, tenant: &TenantId, before: SystemTime) -> Result<BTreeSet<Digest>, StoreError> {
        let mut found = BTreeSet::new();
        for folder in entries(&self.root.join(tenant.as_str()))? {
            for file in entries(&folder)? {
                if let Some(digest) = digest_of_name(&file)
                    && is_older(&file, before)?
                {
                    found.insert(digest);
                }
            }
        }
        Ok(found)
    }

    fn folder(&self, tenant: &TenantId, digest: &Digest) -> PathBuf {
        let [first, ..] = digest.as_bytes();
        self.root.join(tenant.as_str()).join(format!("{first:02x}"))
    }

    fn file(&self, tenant: &TenantId, digest: &Digest) -> PathBuf {
        self.folder(tenant, digest).join(digest.hex())
    }

    /// Creates a folder and makes every new level durable.
    fn create_folders(&self, folder: &Path) -> Result<(), StoreError> {
        if folder.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(folder).map_err(|e| io(folder, &e))?;
        let levels = folder.ancestors().skip(1).take_while(|level| level.starts_with(&self.root));
        levels.chain(self.root.parent()).try_for_each(sync_folder)
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match std::fs::read_dir(folder) {
        Ok(listed) => listed.map(|entry| entry.map(|e| e.path()).map_err(|e| io(folder, &e))).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(io(folder, &error)),
    }
}

fn digest_of_name(file: &Path) -> Option<Digest> {
    format!("sha256:{}", file.file_name()?.to_str()?).parse().ok()
}

fn is_older(file: &Path, before: SystemTime) -> Result<bool, StoreError> {
    let modified = std::fs::metadata(file).and_then(|about| about.modified()).map_err(|e| io(file, &e))?;
    Ok(modified < before)
}
