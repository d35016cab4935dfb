//! Lints are never allowed away: `#[allow]` is refused, `#[expect]` says why.

use super::finding::Finding;
use super::tokens;
use super::tree::{Rust, Tree};

/// Finds allowed lints and expectations without a reason.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().iter().flat_map(check_file).collect()
}

fn check_file(file: &Rust) -> Vec<Finding> {
    let mut found = Vec::new();
    for attribute in tokens::attributes(&file.tokens) {
        let conditional = attribute.name == "cfg_attr";
        let allows = attribute.name == "allow" || (conditional && !tokens::lists(&attribute.content, "allow").is_empty());
        if allows {
            found.push(Finding::new(
                &file.path,
                attribute.line,
                "`#[allow]` is refused; mend the cause, or write `#[expect(…, reason = \"…\")]`",
            ));
        }
        if attribute.name == "expect" || conditional {
            let unexplained = tokens::lists(&attribute.content, "expect").iter().any(|list| !tokens::names(list, "reason"));
            if unexplained {
                found.push(Finding::new(&file.path, attribute.line, "`#[expect]` without a reason; add `reason = \"…\"`"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    #[test]
    fn allow_is_refused_wherever_it_hides() {
        let source = "//! x\n#![allow(dead_code)]\n#[allow(unused)]\nfn f() {}\n#[cfg_attr(test, allow(unused))]\nfn g() {}\nmacro_rules! m { () => {\n#[allow(unused)] fn h() {} } }\n// #[allow(x)]\nfn i() { allow(1); }";
        assert_eq!(places(&check(&Tree::with(&[("a.rs", source)]))), ["a.rs:2", "a.rs:3", "a.rs:5", "a.rs:8"]);
    }

    #[test]
    fn expect_needs_a_reason() {
        let source = "#[expect(dead_code)]\nfn f() {}\n#[expect(dead_code, reason = \"r\")]\nfn g() {}\n#[cfg_attr(test, expect(dead_code))]\nfn h() {}";
        assert_eq!(places(&check(&Tree::with(&[("a.rs", source)]))), ["a.rs:1", "a.rs:5"]);
    }
}
