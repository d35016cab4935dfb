//! The nearest known word to a misspelt one (Damerau-Levenshtein, adjacent swaps count once).

/// A known word that was perhaps meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near<'k> {
    pub(crate) word: &'k str,
    /// Whether nothing else can have been meant: one slip away, and no other known word is.
    pub(crate) sure: bool,
}

/// The known word nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<Near<'k>> {
    let folded = fold(word);
    let allowed = (folded.len() / 3).clamp(1, 3);
    let measured = known.iter().map(|candidate| (distance(&folded, &fold(candidate)), *candidate));
    let mut near: Vec<(usize, &str)> =
        measured.filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count().max(1)).collect();
    near.sort_unstable();
    near.dedup();
    let (least, word) = *near.first()?;
    let alone = near.get(1).is_none_or(|(second, _)| *second > 1 && *second > least);
    Some(Near { word, sure: alone && least <= 1 && folded.len() >= 3 })
}

/// Case, `-` and `_` are the usual slips.
fn fold(word: &str) -> Vec<char> {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).take(64).collect()
}

fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (row, &ca) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_b = None;
        for (column, &cb) in b.iter().enumerate() {
            let at = |list: &[usize], index: usize| list.get(index).copied().unwrap_or(usize::MAX / 2);
            let swapped = previous_a == Some(cb) && previous_b == Some(ca) && column > 0;
            let swap = if swapped { at(&before, column - 1) + 1 } else { usize::MAX };
            let change = at(&last, column) + usize::from(ca != cb);
            current.push(change.min(at(&last, column + 1) + 1).min(at(&current, column) + 1).min(swap));
            previous_b = Some(cb);
        }
        previous_a = Some(ca);
        before = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_word() {
        let known = ["timeout", "then", "metadata", "export"];
        for (slip, meant) in [("timout", "timeout"), ("tehn", "then"), ("meta-data", "metadata"), ("EXPORT", "export")] {
            assert_eq!(nearest(slip, &known), Some(Near { word: meant, sure: true }), "{slip}");
        }
        assert_eq!(nearest("frobnicate", &known), None);
        assert_eq!(nearest("", &known), None);
    }

    #[test]
    fn two_words_at_one_slip_are_not_sure() {
        let near = |word, known: &[&'static str]| nearest(word, known).map(|near| (near.word, near.sure));
        assert_eq!(near("cost", &["cast", "host"]), Some(("cast", false)));
        assert_eq!(near("tiemouts", &["timeout"]), Some(("timeout", false)));
        assert_eq!(near("od", &["do"]), Some(("do", false)));
    }
}
