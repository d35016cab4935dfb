//! What is read, and what is refused with its line.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::{Scenario, read};

fn names(found: &[Scenario]) -> Vec<&str> {
    found.iter().map(|scenario| scenario.name.as_str()).collect()
}

fn texts(scenario: &Scenario) -> Vec<&str> {
    scenario.steps.iter().map(|step| step.text.as_str()).collect()
}

#[test]
fn an_outline_gives_one_scenario_for_each_row_and_the_background_comes_first() {
    let text = "Feature: F\n  As somebody\n  I want more\n\n  Background:\n    Given a\n\n  Scenario Outline: S\n    When <x> is\n    \"\"\"yaml\n    y: <x>\n      z: 1\n    \"\"\"\n\n    Examples:\n      | x |\n      | 1 |\n      | 2 |\n";
    let found = read("f", text).unwrap();
    assert_eq!(names(&found), ["S (1)", "S (2)"]);
    assert_eq!(texts(&found[1]), ["a", "2 is"]);
    assert_eq!(found[1].steps[1].document.as_deref(), Some("y: 2\n  z: 1\n"));
}

#[test]
fn a_rule_has_a_background_of_its_own_and_hands_down_its_tags() {
    let text = "\u{feff}# said\r\n@all\r\nFeature: F\r\n  Given nothing here: this is a description\r\n  Background:\r\n    Given a\r\n\
                  @first @x@y # more\r\n  Rule: R\r\n    Background:\r\n      * b\r\n    @own\r\n    Example: S\r\n      But c\r\n\
                  Rule: Q\r\n    Scenario: T\r\n      Some words about it.\r\n      And\td\r\n";
    let found = read("f", text).unwrap();
    assert_eq!(names(&found), ["S", "T"]);
    assert_eq!((texts(&found[0]), texts(&found[1])), (vec!["a", "b", "c"], vec!["a", "d"]));
    assert_eq!((found[0].tags.join(" "), found[1].tags.join(" ")), ("all first x y own".to_owned(), "all".to_owned()));
}

#[test]
fn tables_escapes_and_marks_are_read() {
    let text = "Feature: F\n  Scenario Template: <what> again\n    Given rows\n      | a\\|b | c\\\\ |\n      | <what> | 2 |\n    Then it says\n\
                  ```\n\\`\\`\\` <what>\n    \"\"\"\n```\n  @late\n  Scenarios: some\n    about them\n    | what |\n    # said\n    | tea |\n";
    let found = read("f", text).unwrap();
    assert_eq!(names(&found), ["tea again"]);
    assert_eq!(found[0].steps[0].table, [["a|b", "c\\"], ["tea", "2"]]);
    assert_eq!(found[0].steps[1].document.as_deref(), Some("``` tea\n    \"\"\"\n"));
    assert_eq!(found[0].tags, ["late"]);
}

#[test]
fn what_can_never_run_is_kept_so_that_it_can_be_told() {
    let text = "Feature: F\n  Background:\n    Given a\n  Scenario: Empty\n  Scenario Outline: No rows\n    Given <x>\n    Examples:\n      | x |\n  Scenario Outline: None\n    Given <x>\n";
    let found = read("f", text).unwrap();
    let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.steps.len(), one.unfilled)).collect();
    assert_eq!(told, [("Empty", 0, false), ("No rows", 2, true), ("None", 2, true)]);
    assert_eq!(read("f", "\n# nothing\n").unwrap(), []);
    assert_eq!(read("f", "").unwrap(), []);
}

#[test]
fn what_is_no_part_of_a_feature_is_refused_with_its_line() {
    let wrong = [
        ("Feature: F\n  Scenario: S\n    Given a\n    whatever\n", 4),
        ("Feature: F\n  Background:\n    Given a\n  Examples:\n", 4),
        ("Scenario: S\n  Given a\n", 1),
        ("words\n", 1),
        ("Feature: F\nFeature: G\n", 2),
        ("Feature: F\n  Scenario: S\n    Given a\n    \"\"\"\n    x\n", 5),
        ("Feature: F\n  Scenario: S\n    | x |\n", 3),
        ("Feature: F\n  Scenario: S\n    Given a\n    | x\n", 4),
        ("Feature: F\n  Scenario: S\n    Given a\n    | x |\n    | x | y |\n", 5),
        ("Feature: F\n  Scenario: S\n    Given a\n    | x |\n    \"\"\"\n    \"\"\"\n", 5),
        ("Feature: F\n  Scenario: S\n    \"\"\"\n    \"\"\"\n", 3),
        ("Feature: F\n  Scenario Outline: S\n    Given a\n  Examples:\n    | x |\n    | 1 | 2 |\n", 6),
        ("Feature: F\n  @t\n  words\n", 3),
        ("Feature: F\n  @t\n", 2),
        ("Feature: F\n  @\n  Scenario: S\n", 2),
        ("# language: de\nFunktionalität: F\n", 1),
    ];
    for (text, line) in wrong {
        assert_eq!(read("f", text).unwrap_err().line, line, "{text}");
    }
}
