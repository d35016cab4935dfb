//! A partition has one writer: once rows of a newer epoch are on its disk, none of an older one follows.

use super::Left;

/// Reads every feed in the order of its commits.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for rows in &left.feeds {
        let back = rows.iter().zip(rows.iter().skip(1)).filter(|(before, kept)| kept.row.epoch < before.row.epoch);
        found.extend(
            back.map(|(before, kept)| format!("a row of epoch {} was committed behind one of epoch {}", kept.row.epoch, before.row.epoch)),
        );
    }
    found
}
