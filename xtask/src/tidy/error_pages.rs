//! Every error code has its place under `docs/errors/`, and every place has its code.
//!
//! | form | found where | place |
//! |---|---|---|
//! | `PV1001` | any text outside tests | a page `PV1001.md` |
//! | `STORE_FULL` | returned by a function `code` | a page `STORE_FULL.md` |
//! | `not-parked` | returned by a function `code`, or said by an edge | a row of `words.md`, or a page |
//!
//! What says a code at an edge: `Refusal::new`, `Failure::new`, `Problem::ours`. What is absent: codes that are put together at run time.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use super::finding::Finding;
use super::tokens;
use super::tree::{Rust, Tree};

const FOLDER: &str = "docs/errors/";
/// The page that explains codes of one line each.
const WORDS: &str = "docs/errors/words.md";
/// Types whose constructor takes a code as its first text.
const SAYS: [(&str, &str); 3] = [("Refusal", "new"), ("Failure", "new"), ("Problem", "ours")];

/// Codes with the first place that has them.
type Codes<'t> = BTreeMap<String, (&'t str, usize)>;

/// Finds codes without a page or row, and pages and rows without a code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let (codes, texts) = (codes(tree), texts(tree));
    let rows: BTreeMap<&str, usize> = rows(tree).collect();
    let explained = |code: &str| tree.text(&format!("{FOLDER}{code}.md")).is_some() || is_word(code) && rows.contains_key(code);
    let mut found: Vec<Finding> = Vec::new();
    for (code, (path, line)) in codes.iter().filter(|(code, _)| !explained(code)) {
        let write = if is_word(code) { format!("add a row to {WORDS}") } else { format!("write {FOLDER}{code}.md") };
        found.push(Finding::new(path, *line, format!("`{code}` has no page; {write}")));
    }
    for page in pages(tree).filter(|page| !texts.contains(*page)) {
        let message = format!("no code `{page}` is left in crates/; remove the page, or return the code");
        found.push(Finding::new(&format!("{FOLDER}{page}.md"), 1, message));
    }
    for (code, line) in rows.iter().filter(|(code, _)| !texts.contains(**code)) {
        found.push(Finding::new(WORDS, *line, format!("no code `{code}` is left in crates/; remove the row, or return the code")));
    }
    found
}

/// Every whole text outside tests: what a page or row may be about.
fn texts(tree: &Tree) -> BTreeSet<String> {
    let files = tree.rust().iter().filter(|file| file.path.starts_with("crates/"));
    let texts = files.flat_map(|file| tokens::strings(&file.tokens).into_iter().filter(|(line, _)| !file.outline.is_test(*line)));
    texts.map(|(_, text)| text).collect()
}

fn codes(tree: &Tree) -> Codes<'_> {
    let mut codes: Codes<'_> = BTreeMap::new();
    for file in tree.rust().iter().filter(|file| file.path.starts_with("crates/")) {
        let numbered = tokens::strings(&file.tokens).into_iter().filter(|(_, text)| is_numbered(text));
        let named = returned(file).into_iter().filter(|(_, text)| is_constant(text) || is_word(text));
        let said = said(file).into_iter().filter(|(_, text)| is_word(text) || is_constant(text));
        for (line, code) in numbered.chain(named).chain(said).filter(|(line, _)| !file.outline.is_test(*line)) {
            codes.entry(code).or_insert((file.path.as_str(), line));
        }
    }
    codes
}

fn pages(tree: &Tree) -> impl Iterator<Item = &str> {
    let files = tree.texts().iter().filter_map(|file| file.path.strip_prefix(FOLDER)?.strip_suffix(".md"));
    files.filter(|name| !matches!(*name, "README" | "words"))
}

/// The codes of the table's first column, with their lines.
fn rows(tree: &Tree) -> impl Iterator<Item = (&str, usize)> {
    let lines = tree.text(WORDS).unwrap_or_default().lines().zip(1..);
    lines.filter_map(|(line, number)| Some((line.strip_prefix("| `")?.split_once("` |")?.0, number)))
}

fn is_numbered(text: &str) -> bool {
    text.strip_prefix("PV").is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `STORE_FULL`.
fn is_constant(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// `not-parked`, `internal`.
fn is_word(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// The texts in the bodies of functions named `code` that take nothing but `self`.
fn returned(file: &Rust) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    tokens::walk(&file.tokens, &mut |rest| {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(takes), after @ ..] = rest
            && keyword == "fn"
            && name == "code"
            && matches!(takes.stream().to_string().replace(' ', "").as_str(), "&self" | "self")
        {
            let body = after.iter().find_map(|tree| match tree {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
                _ => None,
            });
            found.extend(body.iter().flat_map(tokens::strings));
        }
    });
    found
}

/// The first text of each call that says a code at an edge.
fn said(file: &Rust) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    tokens::walk(&file.tokens, &mut |rest| {
        if let [TokenTree::Ident(kind), TokenTree::Punct(_), TokenTree::Punct(_), TokenTree::Ident(name), TokenTree::Group(takes), ..] =
            rest
            && SAYS.iter().any(|(type_of, function)| kind == type_of && name == function)
        {
            found.extend(tokens::strings(&takes.stream()).into_iter().next());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::with(files)).into_iter().map(|finding| finding.to_string()).collect()
    }

    const SOURCE: &str = "fn code(&self) -> &str {\n    match self {\n        A => \"PV1001\",\n        B => \"entity-kind\",\n        C => \"STORE_FULL\",\n    }\n}";
    const TABLE: &str = "| code | means |\n|---|---|\n| `entity-kind` | x |\n";

    #[test]
    fn a_code_and_its_place_come_together() {
        let files = [("crates/a/src/lib.rs", SOURCE), ("docs/errors/PV1001.md", "x"), ("docs/errors/STORE_FULL.md", "x"), (WORDS, TABLE)];
        assert_eq!(messages(&files), Vec::<String>::new());
        assert_eq!(
            messages(&files[..1]),
            [
                "crates/a/src/lib.rs:3: `PV1001` has no page; write docs/errors/PV1001.md",
                "crates/a/src/lib.rs:5: `STORE_FULL` has no page; write docs/errors/STORE_FULL.md",
                "crates/a/src/lib.rs:4: `entity-kind` has no page; add a row to docs/errors/words.md",
            ]
        );
        assert_eq!(
            messages(&[("docs/errors/PV1001.md", "x"), ("docs/errors/README.md", "x"), (WORDS, TABLE)]),
            [
                "docs/errors/PV1001.md:1: no code `PV1001` is left in crates/; remove the page, or return the code",
                "docs/errors/words.md:3: no code `entity-kind` is left in crates/; remove the row, or return the code",
            ]
        );
    }

    #[test]
    fn a_word_may_have_a_page_of_its_own() {
        let source = "fn code(&self) -> &str { \"entity-kind\" }";
        assert_eq!(messages(&[("crates/a/src/lib.rs", source), ("docs/errors/entity-kind.md", "x")]), Vec::<String>::new());
    }

    #[test]
    fn what_an_edge_says_is_a_code_and_its_text_is_none() {
        let source = "fn f() {\n    Refusal::new(404, \"unknown-route\", \"title\", \"detail\");\n    Problem::ours(\"in-doubt\", 409, format!(\"x\"));\n    Failure::new(code, \"not a code\");\n}";
        let rows = "| `unknown-route` | x |\n| `in-doubt` | x |\n";
        assert_eq!(messages(&[("crates/a/src/lib.rs", source), (WORDS, rows)]), Vec::<String>::new());
        assert_eq!(messages(&[("crates/a/src/lib.rs", source)]).len(), 2);
    }

    #[test]
    fn only_whole_texts_outside_tests_are_codes() {
        let source = "/// PV1001\nfn f() { g(\"see PV1001\", \"PV12345\", \"PVabcd\") }\n#[cfg(test)]\nmod tests { const X: &str = \"PV1002\"; fn code(&self) -> &str { \"no-code\" } }";
        assert_eq!(messages(&[("crates/a/src/lib.rs", source)]), Vec::<String>::new());
        assert_eq!(messages(&[("crates/a/src/lib.rs", "fn code(text: &str) -> &str { \"no-code\" }")]), Vec::<String>::new());
    }
}
