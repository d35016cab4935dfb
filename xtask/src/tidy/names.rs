//! Words that say nothing, or that mean something else here, are refused in the names of types, modules and functions.
//!
//! GLOSSARY.md has the words to use instead. Names in tests, and names that a foreign trait dictates, are left alone.

use super::finding::Finding;
use super::outline::{Kind, Name};
use super::ratchet::Ratchet;
use super::tree::Tree;

/// Refused anywhere in a name, in the singular.
const REFUSED: &[&str] = &["base", "common", "helper", "instance", "job", "manager", "misc", "util"];

/// Refused as the last word of a name of several words.
const REFUSED_SUFFIX: &[&str] = &["data", "info"];

/// Finds refused names that the ratchet does not excuse.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let ratchet = Ratchet::of(tree);
    let excused = |path: &str, name: &Name| ratchet.names.iter().any(|entry| entry.path == path && entry.name == name.name);
    let refused = refused(tree).into_iter().filter(|(path, name)| !excused(path, name));
    refused
        .map(|(path, name)| {
            let message = format!("the name of the {} `{}` is refused; GLOSSARY.md has better words", name.kind.word(), name.name);
            Finding::new(path, name.line, message)
        })
        .collect()
}

/// Every refused name with its file.
pub fn refused(tree: &Tree) -> Vec<(&str, &Name)> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let bad = file.outline.names.iter().filter(|name| is_refused(name) && !file.outline.is_test(name.line));
        found.extend(bad.map(|name| (file.path.as_str(), name)));
    }
    found
}

fn is_refused(name: &Name) -> bool {
    let words = words(&name.name);
    let singular = |word: &String| word.strip_suffix('s').map_or(word.clone(), str::to_owned);
    let vague = words.iter().any(|word| REFUSED.contains(&word.as_str()) || REFUSED.contains(&singular(word).as_str()));
    let suffix = words.len() > 1 && words.last().is_some_and(|word| REFUSED_SUFFIX.contains(&word.as_str()));
    let getter = name.kind == Kind::Function && words.len() > 1 && words.first().is_some_and(|word| word == "get");
    vague || suffix || getter
}

/// The words of a name in either case style, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in name.chars() {
        if (letter == '_' || letter.is_uppercase()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter != '_' {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        let tree = Tree::with(&[("a.rs", source)]);
        refused(&tree).into_iter().map(|(_, name)| name.name.clone()).collect()
    }

    #[test]
    fn vague_words_are_refused_whole_and_in_parts() {
        let source = "mod utils;\nmod helper {}\nstruct LeaseManager;\nenum Job {}\ntrait Base {}\nfn get_lease() {}\nfn common_part() {}\nstruct RunInfo;\nfn row_data() {}";
        assert_eq!(found(source), ["utils", "helper", "LeaseManager", "Job", "Base", "get_lease", "common_part", "RunInfo", "row_data"]);
    }

    #[test]
    fn words_that_only_look_alike_are_fine() {
        let source = "fn base64() {}\nfn get() {}\nstruct Database;\nstruct Data;\nmod jobless {}\nfn utility() {}\nstruct Basis;";
        assert_eq!(found(source), Vec::<String>::new());
    }

    #[test]
    fn tests_and_foreign_traits_choose_freely() {
        let source = "#[cfg(test)]\nmod tests {\n    fn get_lease() {}\n}\nimpl Foreign for S {\n    fn get_lease() {}\n}";
        assert_eq!(found(source), Vec::<String>::new());
    }

    #[test]
    fn the_ratchet_excuses_a_name() {
        let entry = "[[name]]\npath = \"a.rs\"\nname = \"instance\"\nreason = \"r\"\n";
        let source = "fn instance() {}\nfn new_instance() {}";
        let found = check(&Tree::with(&[("a.rs", source), (super::super::ratchet::PATH, entry)]));
        assert_eq!(super::super::finding::places(&found), ["a.rs:2"]);
    }
}
