//! Changes of bytes: flipped, cut, doubled, moved, joined with another seed, and words that readers trip over.

use crate::random::Random;

/// Longest case, in bytes.
const BYTES_MAX: usize = 64 << 10;
/// Words that readers trip over.
const WORDS: [&str; 48] = [
    "null",
    "true",
    "~",
    "-0",
    "1e999",
    "9223372036854775808",
    "-9223372036854775809",
    "0.1",
    "1e-400",
    "NaN",
    ".inf",
    "\\u0000",
    "\\ud800",
    "\u{202e}",
    "\u{feff}",
    "\u{0}",
    "\u{7f}",
    "\r\n",
    "\t",
    "---\n",
    "...",
    "&a ",
    "*a ",
    "!!str ",
    "<<: ",
    "? ",
    ": ",
    "- ",
    "${ ",
    " }",
    "$ref",
    "#/",
    "[[[[[[[[",
    "]]]]",
    "{{{{{{{{",
    "}}}}",
    "\"",
    "'",
    "|",
    ">",
    "%TAG",
    "reduce ",
    " as $x | ",
    "def f: ",
    "..",
    "// ",
    "\\(",
    "@json ",
];

/// One of the seeds, changed one to eight times.
pub fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        change(&mut bytes, seeds, random);
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn index(random: &mut Random, below: usize) -> usize {
    usize::try_from(random.below(below as u64)).unwrap_or(0)
}

/// A part of `bytes`, mostly a short one.
fn part(bytes: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let from = index(random, bytes.len() + 1);
    let longest = if random.chance(700) { 16 } else { 512 };
    let to = (from + index(random, longest + 1)).min(bytes.len());
    from..to
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = index(random, bytes.len() + 1);
    let taken = part(bytes, random);
    match random.below(10) {
        0 => flip(bytes, random),
        1 => drop(bytes.drain(taken)),
        2 => {
            let doubled = bytes.get(taken).unwrap_or_default().to_vec();
            drop(bytes.splice(at..at, doubled));
        }
        3 => {
            let doubled = bytes.get(taken).unwrap_or_default().to_vec();
            let times = 2 + index(random, 60);
            drop(bytes.splice(at..at, doubled.repeat(times)));
        }
        4 | 5 => {
            let word = random.pick(&WORDS).copied().unwrap_or_default();
            drop(bytes.splice(at..at, word.bytes()));
        }
        6 => {
            let word = random.pick(&WORDS).copied().unwrap_or_default();
            drop(bytes.splice(taken, word.bytes()));
        }
        7 => {
            let other = random.pick(seeds).cloned().unwrap_or_default();
            let from_other = part(&other, random);
            let piece = other.get(from_other).unwrap_or_default().to_vec();
            drop(bytes.splice(taken, piece));
        }
        8 => {
            let number = random.between(i64::MIN / 4, i64::MAX / 4).to_string();
            drop(bytes.splice(at..at, number.into_bytes()));
        }
        _ => swap_lines(bytes, random),
    }
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let at = index(random, bytes.len());
    let bits = u8::try_from(random.below(256)).unwrap_or(1);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= if random.chance(500) { 1 << (bits & 7) } else { bits };
    }
}

fn swap_lines(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (index(random, lines.len()), index(random, lines.len()));
    lines.swap(one, other);
    *bytes = lines.join(&b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_draws_give_the_same_bytes_and_none_is_too_long() {
        let seeds = vec![b"a: [1, 2]\nb: 3\n".to_vec(), vec![b'x'; BYTES_MAX]];
        let mut distinct = std::collections::BTreeSet::new();
        for draw in 0..500 {
            let made = mutated(&seeds, &mut Random::new(draw));
            assert_eq!(made, mutated(&seeds, &mut Random::new(draw)));
            assert!(made.len() <= BYTES_MAX);
            distinct.insert(made);
        }
        assert!(distinct.len() > 400, "{} distinct cases of 500", distinct.len());
    }
}
