//! Every numbered error code (`PV` and four digits) has its page `docs/errors/<CODE>.md`, and every page has its code.
//!
//! A page for a code of another form is welcome when a `code` function of ours returns that code.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenTree};

use super::finding::Finding;
use super::tokens;
use super::tree::{Rust, Tree};

const FOLDER: &str = "docs/errors/";

/// Finds codes without a page and pages without a code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut numbered: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    let mut returned: Vec<String> = Vec::new();
    for file in tree.rust().iter().filter(|file| file.path.starts_with("crates/")) {
        for (line, text) in tokens::strings(&file.tokens) {
            if is_numbered(&text) && !file.outline.is_test(line) {
                numbered.entry(text).or_insert((file.path.as_str(), line));
            }
        }
        returned.extend(returned_codes(file));
    }
    let missing = numbered.iter().filter(|(code, _)| tree.text(&format!("{FOLDER}{code}.md")).is_none());
    let mut found: Vec<Finding> =
        missing.map(|(code, (path, line))| Finding::new(path, *line, format!("`{code}` has no page; write {FOLDER}{code}.md"))).collect();
    for page in pages(tree) {
        if !numbered.contains_key(page) && !returned.iter().any(|code| code == page) {
            let message = format!("no code `{page}` is left in crates/; remove the page, or return the code");
            found.push(Finding::new(&format!("{FOLDER}{page}.md"), 1, message));
        }
    }
    found
}

fn pages(tree: &Tree) -> impl Iterator<Item = &str> {
    let files = tree.texts().iter().filter_map(|file| file.path.strip_prefix(FOLDER)?.strip_suffix(".md"));
    files.filter(|name| *name != "README")
}

fn is_numbered(text: &str) -> bool {
    text.strip_prefix("PV").is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The texts in the bodies of functions named `code`.
fn returned_codes(file: &Rust) -> Vec<String> {
    let mut found = Vec::new();
    tokens::walk(&file.tokens, &mut |rest| {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name), after @ ..] = rest
            && keyword == "fn"
            && name == "code"
        {
            let body = after.iter().find_map(|tree| match tree {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
                _ => None,
            });
            found.extend(body.iter().flat_map(tokens::strings).map(|(_, text)| text));
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

    const SOURCE: &str = "fn code(&self) -> &str {\n    match self {\n        A => \"PV1001\",\n        B => \"entity-kind\",\n    }\n}";

    #[test]
    fn a_code_and_its_page_come_together() {
        assert_eq!(messages(&[("crates/a/src/lib.rs", SOURCE), ("docs/errors/PV1001.md", "x")]), Vec::<String>::new());
        assert_eq!(
            messages(&[("crates/a/src/lib.rs", SOURCE)]),
            ["crates/a/src/lib.rs:3: `PV1001` has no page; write docs/errors/PV1001.md"]
        );
        assert_eq!(
            messages(&[("docs/errors/PV1001.md", "x"), ("docs/errors/README.md", "x")]),
            ["docs/errors/PV1001.md:1: no code `PV1001` is left in crates/; remove the page, or return the code"]
        );
    }

    #[test]
    fn other_codes_may_have_a_page() {
        let files = [("crates/a/src/lib.rs", SOURCE), ("docs/errors/PV1001.md", "x"), ("docs/errors/entity-kind.md", "x")];
        assert_eq!(messages(&files), Vec::<String>::new());
    }

    #[test]
    fn only_whole_texts_outside_tests_are_codes() {
        let source =
            "/// PV1001\nfn f() { g(\"see PV1001\", \"PV12345\", \"PVabcd\") }\n#[cfg(test)]\nmod tests { const X: &str = \"PV1002\"; }";
        assert_eq!(messages(&[("crates/a/src/lib.rs", source)]), Vec::<String>::new());
    }
}
