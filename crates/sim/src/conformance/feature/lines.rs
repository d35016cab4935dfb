//! One line of a feature: which keyword begins it, its tags, its cells.

use super::Keyword;

/// Each word with what it begins; the longer ones first.
const PARTS: [(&str, Keyword); 11] = [
    ("Feature", Keyword::Feature),
    ("Business Need", Keyword::Feature),
    ("Ability", Keyword::Feature),
    ("Rule", Keyword::Rule),
    ("Background", Keyword::Background),
    ("Scenario Outline", Keyword::Outline),
    ("Scenario Template", Keyword::Outline),
    ("Scenarios", Keyword::Examples),
    ("Scenario", Keyword::Scenario),
    ("Examples", Keyword::Examples),
    ("Example", Keyword::Scenario),
];
const STEPS: [&str; 6] = ["Given", "When", "Then", "And", "But", "*"];

/// The keyword of a line and the name behind it.
pub(super) fn keyword(line: &str) -> Option<(Keyword, &str)> {
    PARTS.iter().find_map(|(word, keyword)| Some((*keyword, line.strip_prefix(word)?.strip_prefix(':')?.trim())))
}

/// What a step says; nothing, where its keyword stands alone.
pub(super) fn step(line: &str) -> Option<&str> {
    let rest = STEPS.iter().find_map(|word| line.strip_prefix(word))?;
    if rest.is_empty() || rest.starts_with(char::is_whitespace) { Some(rest.trim()) } else { None }
}

/// `@a @b # said`, without the `@`.
pub(super) fn tags(line: &str) -> Result<Vec<String>, &'static str> {
    let line = line.split(" #").next().unwrap_or_default();
    let mut tags = Vec::new();
    for word in line.split_whitespace() {
        let tag = word.strip_prefix('@').filter(|tag| !tag.is_empty()).ok_or("a tag is a word behind `@`")?;
        // `@a@b` is two.
        tags.extend(tag.split('@').filter(|tag| !tag.is_empty()).map(str::to_owned));
    }
    Ok(tags)
}

/// `| a | b |`; `\|`, `\\` and `\n` stand for what they are elsewhere.
pub(super) fn cells(line: &str) -> Result<Vec<String>, &'static str> {
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let mut rest = line.trim().strip_prefix('|').unwrap_or(line).chars();
    while let Some(c) = rest.next() {
        match c {
            '|' => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            '\\' => match rest.next() {
                Some('n') => cell.push('\n'),
                Some(c @ ('|' | '\\')) => cell.push(c),
                Some(c) => cell.extend(['\\', c]),
                None => cell.push('\\'),
            },
            c => cell.push(c),
        }
    }
    if cell.trim().is_empty() { Ok(cells) } else { Err("a row ends with `|`") }
}
