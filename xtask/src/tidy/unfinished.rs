//! Nothing unfinished is committed: no ignored test, no `todo!`, no `unimplemented!`, no `dbg!`.

use super::finding::Finding;
use super::tokens;
use super::tree::{Rust, Tree};

const UNFINISHED: &[&str] = &["dbg", "todo", "unimplemented"];

/// Finds ignored tests and unfinished code.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().iter().flat_map(check_file).collect()
}

fn check_file(file: &Rust) -> Vec<Finding> {
    let mut found = Vec::new();
    for attribute in tokens::attributes(&file.tokens) {
        if attribute.name == "ignore" || (attribute.name == "cfg_attr" && tokens::names(&attribute.content, "ignore")) {
            found.push(Finding::new(&file.path, attribute.line, "an ignored test proves nothing; make it run, or remove it"));
        }
    }
    for call in tokens::macro_calls(&file.tokens) {
        let name = call.to_string();
        if UNFINISHED.contains(&name.as_str()) {
            found.push(Finding::new(&file.path, call.span().start().line, format!("`{name}!` is unfinished work; finish it")));
        }
    }
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim_start();
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        if doc.is_some_and(|doc| doc.trim_start().starts_with("```ignore")) {
            found.push(Finding::new(&file.path, index + 1, "an ignored example proves nothing; make it run, or mark it `text`"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    #[test]
    fn ignored_and_unfinished_is_found_in_tests_too() {
        let source = "#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore = \"slow\"]\n    fn f() {}\n    #[cfg_attr(miri, ignore)]\n    fn g() { todo!() }\n}\n/// ```ignore\n/// x\n/// ```\nfn h() { dbg!(1); let todo = 1; }";
        assert_eq!(places(&check(&Tree::with(&[("a.rs", source)]))), ["a.rs:4", "a.rs:6", "a.rs:7", "a.rs:12", "a.rs:9"]);
    }
}
