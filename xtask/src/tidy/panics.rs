//! No `unwrap` and no `expect` outside tests, unless an `#[expect]` with a reason stands above it.
//!
//! Clippy denies them too; this check also sees the bodies of macros.

use super::finding::Finding;
use super::tokens;
use super::tree::{Rust, Tree};

const PANICKING: &[&str] = &["expect", "expect_err", "unwrap", "unwrap_err", "unwrap_unchecked"];

/// Finds calls that can panic.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().iter().flat_map(check_file).collect()
}

fn check_file(file: &Rust) -> Vec<Finding> {
    let mut found = Vec::new();
    for call in tokens::method_calls(&file.tokens) {
        let line = call.span().start().line;
        let name = call.to_string();
        if PANICKING.contains(&name.as_str()) && !file.outline.is_test(line) && !file.outline.is_explained(line) {
            found.push(Finding::new(&file.path, line, format!("`{name}` can panic; return an error, or expect the lint with a reason")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    #[test]
    fn panicking_calls_are_found_outside_tests() {
        let source = "fn f() {\n    a.unwrap();\n    a.expect(\"x\");\n    a.unwrap_or(b);\n    \"a.unwrap()\";\n}\nmacro_rules! m { () => {\n    a.unwrap() } }\n#[cfg(test)]\nmod tests {\n    fn g() { a.unwrap(); }\n}\n#[expect(clippy::unwrap_used, reason = \"r\")]\nfn h() { a.unwrap(); }";
        assert_eq!(
            places(&check(&Tree::with(&[("crates/a/src/lib.rs", source)]))),
            ["crates/a/src/lib.rs:2", "crates/a/src/lib.rs:3", "crates/a/src/lib.rs:8"]
        );
    }
}
