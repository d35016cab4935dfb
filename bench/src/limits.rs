//! What the machine itself can do: synced appends to a growing file.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::server::fresh;

/// 4 KiB appends with fdatasync per second, by `writers` threads on files of their own, for `length`.
pub fn appends(writers: usize, length: Duration) -> Result<f64, String> {
    synced(writers, &[7; 4096], length)
}

/// Rows per second of a plain log: `batch` rows of `row_bytes` written at once and synced, by `writers` threads on files of their own.
pub fn log_rows(writers: usize, batch: usize, row_bytes: usize, length: Duration) -> Result<f64, String> {
    Ok(synced(writers, &vec![7; batch * row_bytes], length)? * batch as f64)
}

/// Synced appends of `bytes` per second.
fn synced(writers: usize, bytes: &[u8], length: Duration) -> Result<f64, String> {
    let folder = fresh("limits")?;
    let threads: Vec<_> = (0..writers)
        .map(|n| {
            let path = folder.join(format!("{n}.log"));
            let bytes = bytes.to_vec();
            std::thread::spawn(move || -> std::io::Result<u64> {
                let mut file = std::fs::File::create(path)?;
                let (began, mut count) = (Instant::now(), 0);
                while began.elapsed() < length {
                    file.write_all(&bytes)?;
                    file.sync_data()?;
                    count += 1;
                }
                Ok(count)
            })
        })
        .collect();
    let mut total = 0;
    for thread in threads {
        total += thread.join().map_err(|_| "a writer panicked".to_owned())?.map_err(|e| e.to_string())?;
    }
    let _left = std::fs::remove_dir_all(folder);
    Ok(total as f64 / length.as_secs_f64())
}
