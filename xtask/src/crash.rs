//! `cargo xtask crash`: real crashes of the release binary under load.
//!
//! What must stay true: the killer (this process), the observers (the outside services, which sync before they answer) and the accountant
//! (ledgers and API, after the end) share nothing but what was acknowledged; a request that was acknowledged is never forgotten.
//! What is absent: our own crates.

mod account;
mod http;
mod load;
mod process;

use std::io::{Error, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::{Outcome, process as programs};
use account::Account;
use http::At as _;
use load::Load;
use process::Site;

/// Copies of the data folder in which bytes are flipped.
const FLIPPED_COPIES: u64 = 3;
/// Bytes flipped in one partition file of a copy.
const FLIPS: u64 = 32;
/// One kill in so many comes after a pause by SIGSTOP.
const PAUSE_ONE_IN: u64 = 12;

/// How it crashes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How many SIGKILLs.
    #[arg(long, default_value_t = 120)]
    kills: u64,
    /// Longest time of killing, in seconds.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// The binary; without it the release binary is built.
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Where the moments of the kills come from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A JSON summary on the last line.
    #[arg(long)]
    json: bool,
}

/// Moments: splitmix64.
struct Moments(u64);

impl Moments {
    fn between(&mut self, from: u64, to: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        from + (z ^ (z >> 31)) % (to - from).max(1)
    }
}

/// Kills, counts, and says what held.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = programs::root()?;
    let Some(binary) = binary(&root, options)? else { return Ok(Outcome::Broken) };
    let place = std::env::temp_dir().join(format!("provost-crash-{}", std::process::id()));
    let summary = all(&root, &binary, &place, options)
        .map_err(|e| Failure::Stopped(format!("the crash test stopped: {e}; see {}", place.display())))?;
    let held = summary.at("/held") == true;
    writeln!(stdout(), "{}", if held { "everything held" } else { "BROKEN; the folder is kept" })?;
    if held {
        let _kept_by_somebody = std::fs::remove_dir_all(&place);
    } else {
        writeln!(stdout(), "{}", place.display())?;
    }
    if options.json {
        writeln!(stdout(), "{summary}")?;
    }
    Ok(if held { Outcome::Held } else { Outcome::Broken })
}

fn binary(root: &Path, options: &Options) -> Result<Option<PathBuf>, Failure> {
    if let Some(binary) = &options.binary {
        return Ok(Some(binary.clone()));
    }
    if !programs::passes(root, &programs::cargo(), &["build", "--release", "--quiet", "-p", "provost"])? {
        return Ok(None);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(Some(target.join("release/provost")))
}

fn all(root: &Path, binary: &Path, place: &Path, options: &Options) -> Result<Json, Error> {
    let mut site = Site::open(root, binary, place, &place.join("folder"))?;
    let load = Load::new(root, &site.server.url, Duration::from_millis(120))?;
    let mut out = stdout();
    let killed = kills(&mut site, &load, options)?;
    writeln!(out, "killed   {killed}")?;
    account::settle(&site.server.url)?;
    let account = account::take(&site.server.url, place, &load.acknowledged())?;
    writeln!(out, "counted  {}", account.json())?;
    let sent = json!({ "duplicates": load.duplicates.load(Ordering::SeqCst), "unanswered": load.unanswered.load(Ordering::SeqCst),
        "rejected": load.rejected.load(Ordering::SeqCst) });
    site.server.stop()?;
    let flipped = flips(&site, options)?;
    writeln!(out, "flipped  {flipped}")?;
    drop(site);
    let full = full_disk(root, binary, &place.join("full"))?;
    writeln!(out, "full     {full}")?;
    let rejected = load.rejected.load(Ordering::SeqCst);
    let held = account.holds() && rejected == 0 && flipped.at("/found") == flipped.at("/copies") && full.at("/held") != false;
    Ok(json!({ "held": held, "killed": killed, "sent": sent, "counted": account.json(), "flipped": flipped, "full_disk": full }))
}

/// Kills the server again and again under load, and starts it at once.
fn kills(site: &mut Site, load: &std::sync::Arc<Load>, options: &Options) -> Result<Json, Error> {
    let (mut moments, began) = (Moments(options.seed), Instant::now());
    let (senders, reviewer) = (load.senders(), load.reviewer());
    let (mut kills, mut pauses, mut back): (u64, u64, Vec<u128>) = (0, 0, Vec::new());
    let mut struck = || -> Result<(), Error> {
        while kills < options.kills && began.elapsed() < Duration::from_secs(options.seconds) {
            std::thread::sleep(Duration::from_millis(moments.between(20, 500)));
            if kills % PAUSE_ONE_IN == PAUSE_ONE_IN - 1 {
                site.server.signal("STOP")?;
                std::thread::sleep(Duration::from_millis(moments.between(300, 2500)));
                site.server.signal("CONT")?;
                pauses += 1;
                std::thread::sleep(Duration::from_millis(moments.between(1, 100)));
            }
            site.server.kill();
            kills += 1;
            let down = Instant::now();
            site.restart()?;
            http::get(&site.server.url, "/healthz")?;
            back.push(down.elapsed().as_millis());
            load.point(&site.server.url);
        }
        Ok(())
    };
    let struck = struck();
    load.stop();
    if struck.is_err() {
        return struck.map(|()| Json::Null);
    }
    for thread in senders.into_iter().chain([reviewer]) {
        thread.join().map_err(|_| Error::other("a sender ended early"))?;
    }
    back.sort_unstable();
    let at = |part: usize| back.get((back.len() * part / 100).min(back.len().saturating_sub(1))).copied().unwrap_or(0);
    Ok(json!({ "kills": kills, "pauses": pauses, "seconds": began.elapsed().as_secs(), "back_ms_p50": at(50), "back_ms_p99": at(99) }))
}

/// Flips bytes in a partition file of a copy: `verify` must say so.
fn flips(site: &Site, options: &Options) -> Result<Json, Error> {
    let mut moments = Moments(options.seed ^ 0xf11b);
    let (mut found, mut said) = (0, Vec::new());
    for number in 0..FLIPPED_COPIES {
        let copy = site.place.join(format!("flipped-{number}"));
        copy_folder(&site.folder, &copy)?;
        let mut files: Vec<PathBuf> = partition_files(&copy)?;
        files.sort();
        let at = usize::try_from(number).unwrap_or(0) % files.len().max(1);
        let file = files.get(at).ok_or_else(|| Error::other("the folder has no partition file"))?;
        let mut bytes = std::fs::read(file)?;
        for _ in 0..FLIPS {
            let at = usize::try_from(moments.between(4096, bytes.len() as u64)).unwrap_or(0);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << moments.between(0, 8);
            }
        }
        std::fs::write(file, bytes)?;
        let verify = Command::new(&site.binary).args(["verify", "--all", "--data"]).arg(&copy).stdin(Stdio::null()).output()?;
        found += u64::from(!verify.status.success());
        let texts = [String::from_utf8_lossy(&verify.stdout), String::from_utf8_lossy(&verify.stderr)];
        said.push(texts.iter().flat_map(|text| text.lines()).find(|line| !line.is_empty()).unwrap_or_default().to_owned());
        std::fs::remove_dir_all(&copy)?;
    }
    Ok(json!({ "copies": FLIPPED_COPIES, "bytes_each": FLIPS, "found": found, "said": said }))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// SQLite files anywhere in the folder.
fn partition_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(partition_files(&path)?);
        } else if std::fs::read(&path)?.starts_with(b"SQLite format 3") {
            files.push(path);
        }
    }
    Ok(files)
}

/// A small file system that fills while requests come in, and has space again later.
fn full_disk(root: &Path, binary: &Path, place: &Path) -> Result<Json, Error> {
    let disk = place.join("disk");
    std::fs::create_dir_all(&disk)?;
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&disk).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return Ok(json!({ "skipped": "a file system can be mounted by root only" }));
    }
    let counted = fill(root, binary, place, &disk);
    let unmounted = Command::new("umount").arg(&disk).status();
    let (account, refused, died) = counted?;
    let held = account.holds() && refused > 0 && unmounted.is_ok_and(|status| status.success());
    Ok(json!({ "held": held, "refused_while_full": refused, "server_ended_itself": died, "counted": account.json() }))
}

fn fill(root: &Path, binary: &Path, place: &Path, disk: &Path) -> Result<(Account, u64, bool), Error> {
    let mut site = Site::open(root, binary, place, &disk.join("folder"))?;
    let load = Load::new(root, &site.server.url, Duration::from_millis(60))?;
    let senders = load.senders();
    std::thread::sleep(Duration::from_secs(2));
    let before = load.unanswered.load(Ordering::SeqCst);
    let ballast = disk.join("ballast");
    let mut file = std::fs::File::create(&ballast)?;
    let filled = Instant::now();
    while filled.elapsed() < Duration::from_secs(4) {
        if file.write_all(&[1; 4096]).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let refused = load.unanswered.load(Ordering::SeqCst) - before;
    drop(file);
    std::fs::remove_file(&ballast)?;
    std::thread::sleep(Duration::from_secs(1));
    let died = !site.server.runs();
    if died {
        site.restart()?;
        load.point(&site.server.url);
    }
    std::thread::sleep(Duration::from_secs(2));
    load.stop();
    for sender in senders {
        sender.join().map_err(|_| Error::other("a sender ended early"))?;
    }
    account::settle(&site.server.url)?;
    let account = account::take(&site.server.url, place, &load.acknowledged())?;
    site.server.stop()?;
    Ok((account, refused, died))
}
