//! Versions (SemVer 2.0), and names with a major version.

use std::sync::Arc;

/// The major number of a SemVer 2.0 version; `None` if it is none.
pub(crate) fn major(version: &str) -> Option<u64> {
    let (core, build) = version.split_once('+').map_or((version, None), |(core, build)| (core, Some(build)));
    let (numbers, before) = core.split_once('-').map_or((core, None), |(numbers, before)| (numbers, Some(before)));
    let mut parts = numbers.split('.');
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && [first, second, third].iter().all(|part| numeric(part));
    let identifiers = |text: Option<&str>, test: fn(&str) -> bool| text.is_none_or(|text| text.split('.').all(test));
    let tails = identifiers(before, |id| word(id) && (numeric(id) || id.bytes().any(|b| !b.is_ascii_digit()))) && identifiers(build, word);
    if whole && tails { first.parse().ok() } else { None }
}

fn numeric(text: &str) -> bool {
    !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// `name@major`.
pub(crate) fn qualified(name: &str, major: u64) -> Arc<str> {
    format!("{name}@{major}").into()
}

/// Whether `name` is a name of parts: letters, digits, `-`, `_` and inner dots, at most 63 bytes.
pub(crate) fn is_name(name: &str) -> bool {
    let edges = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let inner = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    name.len() <= 63 && inner && edges(name.bytes().next()) && edges(name.bytes().last()) && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semver() {
        for (version, wanted) in [
            ("0.1.0", Some(0)),
            ("2.10.3-rc.1+build.5", Some(2)),
            ("1.0", None),
            ("01.0.0", None),
            ("1.0.0-", None),
            ("1.0.0-01", None),
            ("latest", None),
            ("1.0.0.0", None),
        ] {
            assert_eq!(major(version), wanted, "{version}");
        }
    }

    #[test]
    fn names() {
        for (name, good) in [("payments.refund", true), ("a", true), ("-a", false), ("a..b", false), ("a/b", false), ("", false)] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
