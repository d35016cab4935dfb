//! What is wrong with a policy file, where, and what to do about it.
//!
//! What must stay true: `line` and `column` count from 1, in characters. It renders nothing; the verbs do.

use std::fmt;

use miette::Diagnostic;

/// One thing to repair in a policy or schema file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file's name as it was handed in.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// A stable code: `policy-syntax`, `policy-schema`, `policy-type`, `policy-id`, `policy-template`, `policy-group`, `policy-file`,
    /// `policy-action`, `policy-log-only`, `policy-limit`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding at a byte offset of `text`.
    pub(crate) fn at(file: &str, text: &str, offset: usize, code: &'static str, message: String) -> Self {
        let (line, column) = line_column(text, offset);
        Self { file: file.to_owned(), line, column, code, message, hint: None }
    }

    /// A finding from Cedar's own diagnostic; `fallback` is the offset where Cedar names none.
    pub(crate) fn of_cedar(file: &str, text: &str, fallback: usize, code: &'static str, found: &dyn Diagnostic) -> Self {
        let label = found.labels().and_then(|mut labels| labels.next());
        let offset = label.as_ref().map_or(fallback, |span| span.offset());
        let detail = label.as_ref().and_then(|span| span.label()).map(|said| format!(": {said}")).unwrap_or_default();
        let mut finding = Self::at(file, text, offset, code, format!("{found}{detail}"));
        finding.hint = found.help().map(|help| help.to_string());
        finding
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {} [{}]", self.file, self.line, self.column, self.message, self.code)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Line and column, both from 1, of a byte offset.
pub(crate) fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let before = text.char_indices().take_while(|(at, _)| *at < offset);
    before.fold(
        (1_u32, 1_u32),
        |(line, column), (_, c)| if c == '\n' { (line.saturating_add(1), 1) } else { (line, column.saturating_add(1)) },
    )
}

#[cfg(test)]
mod tests {
    use super::line_column;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        assert_eq!(line_column("", 0), (1, 1));
        assert_eq!(line_column("aä\nß", 3), (1, 3));
        assert_eq!(line_column("aä\nß", 4), (2, 1));
        assert_eq!(line_column("aä\nß", 99), (2, 2));
    }
}
