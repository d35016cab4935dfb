//! Reading feature files: the part of Gherkin that conformance kits use.
//!
//! What must stay true: every line is a keyword, a description before the first step, a comment, a tag, a row of examples or quoted
//! text; anything else is an error with its line, so that no step is lost. What is absent: other languages than English, and step tables.

/// One thing a scenario says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its words, without the keyword.
    pub text: String,
    /// The quoted text below it.
    pub document: Option<String>,
    /// Where it stands, from 1.
    pub line: usize,
}

/// One scenario; an outline gives one for each row of its examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The file it stands in, without ending.
    pub feature: String,
    /// Its name.
    pub name: String,
    /// The background's steps, then its own.
    pub steps: Vec<Step>,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{feature}.feature` line {line}: {why}")]
pub struct FeatureError {
    /// The file, without ending.
    pub feature: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

impl FeatureError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "feature-syntax"
    }
}

const STEP_WORDS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];
const SCENARIO_WORDS: [&str; 4] = ["Scenario Outline:", "Scenario Template:", "Scenario:", "Example:"];
const EXAMPLE_WORDS: [&str; 2] = ["Examples:", "Scenarios:"];

/// Where the steps that come belong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// The heading and its description.
    Feature,
    Background,
    Scenario,
    Examples,
}

#[derive(Default)]
struct Outline {
    name: String,
    steps: Vec<Step>,
    /// The names of each block of examples, and its rows.
    examples: Vec<(Vec<String>, Vec<Vec<String>>)>,
}

struct Reader {
    feature: String,
    within: Within,
    background: Vec<Step>,
    outlines: Vec<Outline>,
    /// The mark that ends the quoted text under way, and how far it is indented.
    quoted: Option<(&'static str, usize)>,
}

/// The scenarios of one file.
///
/// # Errors
/// [`FeatureError`] with the line.
pub fn read(feature: &str, text: &str) -> Result<Vec<Scenario>, FeatureError> {
    let mut reader =
        Reader { feature: feature.to_owned(), within: Within::Feature, background: Vec::new(), outlines: Vec::new(), quoted: None };
    let mut last = 0;
    for (at, line) in text.lines().enumerate() {
        last = at + 1;
        let read = reader.line(line, last);
        read.map_err(|why| FeatureError { feature: feature.to_owned(), line: last, why })?;
    }
    if reader.quoted.is_some() {
        return Err(FeatureError { feature: feature.to_owned(), line: last, why: "the quoted text does not end" });
    }
    Ok(reader.scenarios())
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        let trimmed = line.trim();
        if let Some((mark, indent)) = self.quoted {
            return self.quote(line, trimmed, mark, indent);
        }
        if let Some(mark) = ["\"\"\"", "```"].into_iter().find(|mark| trimmed.starts_with(mark)) {
            let step = self.step().ok_or("quoted text belongs below a step")?;
            step.document = Some(String::new());
            self.quoted = Some((mark, line.len() - line.trim_start().len()));
            return Ok(());
        }
        if trimmed.is_empty() || trimmed.starts_with(['#', '@']) || trimmed.starts_with("Feature:") || trimmed.starts_with("Rule:") {
            return Ok(());
        }
        if trimmed.starts_with("Background:") {
            self.within = Within::Background;
        } else if let Some(name) = after(trimmed, &SCENARIO_WORDS) {
            self.within = Within::Scenario;
            self.outlines.push(Outline { name: name.trim().to_owned(), ..Outline::default() });
        } else if after(trimmed, &EXAMPLE_WORDS).is_some() {
            self.within = Within::Examples;
            self.outlines.last_mut().ok_or("examples belong below an outline")?.examples.push(Default::default());
        } else if trimmed.starts_with('|') {
            self.row(trimmed)?;
        } else if let Some(text) = after(trimmed, &STEP_WORDS) {
            let step = Step { text: text.trim().to_owned(), document: None, line: number };
            self.steps().ok_or("a step belongs below a scenario or a background")?.push(step);
        } else if self.step().is_some() || self.within == Within::Examples {
            return Err("this line is neither a step nor anything else of a feature");
        }
        Ok(())
    }

    fn quote(&mut self, line: &str, trimmed: &str, mark: &str, indent: usize) -> Result<(), &'static str> {
        if trimmed == mark {
            self.quoted = None;
            return Ok(());
        }
        let document = self.step().and_then(|step| step.document.as_mut()).ok_or("quoted text belongs below a step")?;
        let unindented = line.char_indices().find(|(at, c)| *at >= indent || !c.is_whitespace()).map_or(line.len(), |(at, _)| at);
        document.push_str(line.get(unindented..).unwrap_or_default());
        document.push('\n');
        Ok(())
    }

    fn row(&mut self, trimmed: &str) -> Result<(), &'static str> {
        let cells: Vec<String> = trimmed.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let outline = self.outlines.last_mut().filter(|_| self.within == Within::Examples);
        let (names, rows) = outline.and_then(|outline| outline.examples.last_mut()).ok_or("a row belongs below examples")?;
        if names.is_empty() {
            *names = cells;
        } else if names.len() == cells.len() {
            rows.push(cells);
        } else {
            return Err("the row has another number of cells than its heading");
        }
        Ok(())
    }

    fn steps(&mut self) -> Option<&mut Vec<Step>> {
        match self.within {
            Within::Background => Some(&mut self.background),
            Within::Scenario => self.outlines.last_mut().map(|outline| &mut outline.steps),
            Within::Feature | Within::Examples => None,
        }
    }

    fn step(&mut self) -> Option<&mut Step> {
        self.steps()?.last_mut()
    }

    fn scenarios(self) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for outline in self.outlines {
            let steps: Vec<Step> = self.background.iter().chain(&outline.steps).cloned().collect();
            if outline.examples.is_empty() {
                scenarios.push(Scenario { feature: self.feature.clone(), name: outline.name.clone(), steps: steps.clone() });
            }
            for (names, rows) in &outline.examples {
                scenarios.extend(rows.iter().map(|row| filled(&self.feature, &outline.name, &steps, names, row)));
            }
        }
        scenarios
    }
}

/// What follows the first of `words` that the line begins with.
fn after<'t>(line: &'t str, words: &[&str]) -> Option<&'t str> {
    words.iter().find_map(|word| line.strip_prefix(word))
}

/// An outline with one row in it.
fn filled(feature: &str, name: &str, steps: &[Step], names: &[String], row: &[String]) -> Scenario {
    let fill = |text: &str| {
        let cells = names.iter().zip(row);
        cells.fold(text.to_owned(), |text, (name, cell)| text.replace(&format!("<{name}>"), cell))
    };
    let steps = steps.iter().map(|step| Step { text: fill(&step.text), document: step.document.as_deref().map(fill), line: step.line });
    let filled_name = fill(name);
    let name = if filled_name == name { format!("{name} ({})", row.join(", ")) } else { filled_name };
    Scenario { feature: feature.to_owned(), name, steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use super::read;

    #[test]
    fn an_outline_gives_one_scenario_for_each_row_and_the_background_comes_first() {
        let text = "Feature: F\n  As somebody\n  I want more\n\n  Background:\n    Given a\n\n  Scenario Outline: S\n    When <x> is\n    \"\"\"yaml\n    y: <x>\n      z: 1\n    \"\"\"\n\n    Examples:\n      | x |\n      | 1 |\n      | 2 |\n";
        let found = read("f", text).unwrap();
        assert_eq!(found.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["S (1)", "S (2)"]);
        assert_eq!(found[1].steps[0].text, "a");
        assert_eq!(found[1].steps[1].text, "2 is");
        assert_eq!(found[1].steps[1].document.as_deref(), Some("y: 2\n  z: 1\n"));
    }

    #[test]
    fn what_is_no_part_of_a_feature_is_refused_with_its_line() {
        let wrong = [
            ("Feature: F\n  Scenario: S\n    Given a\n    whatever\n", 4),
            ("Feature: F\n  Given a\n", 2),
            ("Feature: F\n  Scenario: S\n    Given a\n    \"\"\"\n    x\n", 5),
            ("Feature: F\n  Scenario: S\n    Given a\n    | x |\n", 4),
            ("Feature: F\n  Scenario Outline: S\n    Given a\n  Examples:\n    | x |\n    | 1 | 2 |\n", 6),
        ];
        for (text, line) in wrong {
            assert_eq!(read("f", text).unwrap_err().line, line, "{text}");
        }
    }
}
