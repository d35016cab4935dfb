//! Reading feature files: Gherkin as conformance kits use it.
//!
//! What must stay true: every line is a keyword, a description, a comment, a tag, a row or quoted text; anything else is an error with
//! its line, so that no step is lost. A scenario without steps and an outline without rows are kept, so that their report can say so.
//! What is absent: other languages than English, and any knowledge of what steps mean.

mod lines;

use lines::{cells, keyword, step, tags};

/// One thing a scenario says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Its words, without the keyword.
    pub text: String,
    /// The quoted text below it.
    pub document: Option<String>,
    /// The rows below it.
    pub table: Vec<Vec<String>>,
    /// Where it stands, from 1.
    pub line: usize,
}

/// One scenario; an outline gives one for each row of its examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The file it stands in: its path below the folder, without ending.
    pub feature: String,
    /// Its name.
    pub name: String,
    /// The backgrounds' steps, then its own.
    pub steps: Vec<Step>,
    /// Its tags and those around it, without `@`.
    pub tags: Vec<String>,
    /// It is an outline that has no row to fill it.
    pub unfilled: bool,
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

/// Where the lines that come belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Before the heading.
    Nothing,
    /// The heading of a feature or a rule, and its description.
    Heading,
    Background,
    Scenario,
    Examples,
}

/// The words that begin a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    Feature,
    Rule,
    Background,
    Scenario,
    Outline,
    Examples,
}

#[derive(Default)]
struct Examples {
    tags: Vec<String>,
    /// The first row.
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

#[derive(Default)]
struct Outline {
    name: String,
    /// The steps of the backgrounds around it.
    before: Vec<Step>,
    steps: Vec<Step>,
    tags: Vec<String>,
    /// Whether it is called an outline.
    template: bool,
    examples: Vec<Examples>,
}

/// Steps and tags that belong to everything below a heading.
#[derive(Default)]
struct Around {
    background: Vec<Step>,
    tags: Vec<String>,
}

struct Reader {
    feature: String,
    within: Within,
    /// The feature's, then the rule's.
    around: Vec<Around>,
    outlines: Vec<Outline>,
    /// Tags that wait for what they stand above.
    tags: Vec<String>,
    /// The mark that ends the quoted text under way, and how far it is indented.
    quoted: Option<(&'static str, usize)>,
}

/// The scenarios of one file.
///
/// # Errors
/// [`FeatureError`] with the line.
pub fn read(feature: &str, text: &str) -> Result<Vec<Scenario>, FeatureError> {
    let mut reader = Reader {
        feature: feature.to_owned(),
        within: Within::Nothing,
        around: Vec::new(),
        outlines: Vec::new(),
        tags: Vec::new(),
        quoted: None,
    };
    let error = |line, why| FeatureError { feature: feature.to_owned(), line, why };
    let mut last = 1;
    for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        last = at + 1;
        reader.line(line, last).map_err(|why| error(last, why))?;
    }
    if reader.quoted.is_some() {
        return Err(error(last, "the quoted text does not end"));
    }
    if !reader.tags.is_empty() {
        return Err(error(last, "nothing follows the tags"));
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
            return self.quote_begins(line, mark);
        }
        if let Some(comment) = trimmed.strip_prefix('#') {
            return language(comment);
        }
        if trimmed.is_empty() {
            return Ok(());
        }
        if trimmed.starts_with('@') {
            self.tags.extend(tags(trimmed)?);
            return Ok(());
        }
        if let Some((keyword, name)) = keyword(trimmed) {
            return self.part(keyword, name);
        }
        if !self.tags.is_empty() {
            return Err("tags stand above a feature, a rule, a scenario or examples");
        }
        if trimmed.starts_with('|') && self.within != Within::Heading {
            return self.row(cells(trimmed)?);
        }
        if let Some(text) = step(trimmed).filter(|_| self.within != Within::Heading) {
            let step = Step { text: text.to_owned(), line: number, ..Step::default() };
            self.steps().ok_or("a step belongs below a scenario or a background")?.push(step);
            return Ok(());
        }
        self.description()
    }

    /// A part begins.
    fn part(&mut self, keyword: Keyword, name: &str) -> Result<(), &'static str> {
        if (keyword == Keyword::Feature) != self.around.is_empty() {
            return Err("a file is one feature, and begins with `Feature:`");
        }
        let tags = std::mem::take(&mut self.tags);
        self.within = match keyword {
            Keyword::Feature | Keyword::Rule => {
                self.around.truncate(1);
                self.around.push(Around { background: Vec::new(), tags });
                Within::Heading
            }
            Keyword::Background => Within::Background,
            Keyword::Scenario | Keyword::Outline => {
                let around = self.around.iter().flat_map(|around| around.tags.iter().cloned());
                self.outlines.push(Outline {
                    name: name.to_owned(),
                    before: self.around.iter().flat_map(|around| around.background.iter().cloned()).collect(),
                    tags: around.chain(tags).collect(),
                    template: keyword == Keyword::Outline,
                    ..Outline::default()
                });
                Within::Scenario
            }
            Keyword::Examples => {
                let within = matches!(self.within, Within::Scenario | Within::Examples);
                let outline = self.outlines.last_mut().filter(|_| within).ok_or("examples belong below an outline")?;
                outline.examples.push(Examples { tags, ..Examples::default() });
                Within::Examples
            }
        };
        Ok(())
    }

    /// A line that is nothing else.
    fn description(&mut self) -> Result<(), &'static str> {
        let before_anything = match self.within {
            Within::Nothing => return Err("a file is one feature, and begins with `Feature:`"),
            Within::Heading => true,
            Within::Background | Within::Scenario => self.steps().is_some_and(|steps| steps.is_empty()),
            Within::Examples => self.examples().is_some_and(|examples| examples.names.is_empty()),
        };
        if before_anything { Ok(()) } else { Err("this line is neither a step nor anything else of a feature") }
    }

    fn quote_begins(&mut self, line: &str, mark: &'static str) -> Result<(), &'static str> {
        let step = self.step().ok_or("quoted text belongs below a step")?;
        if step.document.is_some() || !step.table.is_empty() {
            return Err("a step has one quoted text or one table");
        }
        step.document = Some(String::new());
        self.quoted = Some((mark, line.len() - line.trim_start().len()));
        Ok(())
    }

    fn quote(&mut self, line: &str, trimmed: &str, mark: &str, indent: usize) -> Result<(), &'static str> {
        if trimmed == mark {
            self.quoted = None;
            return Ok(());
        }
        let document = self.step().and_then(|step| step.document.as_mut()).ok_or("quoted text belongs below a step")?;
        let unindented = line.char_indices().find(|(at, c)| *at >= indent || !c.is_whitespace()).map_or(line.len(), |(at, _)| at);
        let escaped: String = mark.chars().flat_map(|c| ['\\', c]).collect();
        document.push_str(&line.get(unindented..).unwrap_or_default().replace(&escaped, mark));
        document.push('\n');
        Ok(())
    }

    fn row(&mut self, cells: Vec<String>) -> Result<(), &'static str> {
        const RAGGED: &str = "the row has another number of cells than the first";
        if let Some(examples) = self.examples() {
            match (examples.names.is_empty(), examples.names.len() == cells.len()) {
                (true, _) => examples.names = cells,
                (false, true) => examples.rows.push(cells),
                (false, false) => return Err(RAGGED),
            }
            return Ok(());
        }
        let step = self.step().ok_or("a row belongs below examples or a step")?;
        if step.document.is_some() {
            return Err("a step has one quoted text or one table");
        }
        if step.table.first().is_some_and(|first| first.len() != cells.len()) {
            return Err(RAGGED);
        }
        step.table.push(cells);
        Ok(())
    }

    fn examples(&mut self) -> Option<&mut Examples> {
        self.outlines.last_mut().filter(|_| self.within == Within::Examples)?.examples.last_mut()
    }

    fn steps(&mut self) -> Option<&mut Vec<Step>> {
        match self.within {
            Within::Background => self.around.last_mut().map(|around| &mut around.background),
            Within::Scenario => self.outlines.last_mut().map(|outline| &mut outline.steps),
            Within::Nothing | Within::Heading | Within::Examples => None,
        }
    }

    fn step(&mut self) -> Option<&mut Step> {
        self.steps()?.last_mut()
    }

    fn scenarios(self) -> Vec<Scenario> {
        let mut scenarios = Vec::new();
        for outline in self.outlines {
            let steps = if outline.steps.is_empty() { Vec::new() } else { [outline.before, outline.steps].concat() };
            let whole = Scenario { feature: self.feature.clone(), name: outline.name, steps, tags: outline.tags, unfilled: false };
            let rows: Vec<_> = outline.examples.iter().flat_map(|block| block.rows.iter().map(move |row| (block, row))).collect();
            match (rows.is_empty(), outline.template || !outline.examples.is_empty()) {
                (true, unfilled) => scenarios.push(Scenario { unfilled, ..whole }),
                (false, _) => scenarios.extend(rows.into_iter().map(|(block, row)| filled(&whole, block, row))),
            }
        }
        scenarios
    }
}

/// `# language: xx` asks for keywords that are not read.
fn language(comment: &str) -> Result<(), &'static str> {
    let named = comment.trim().strip_prefix("language").and_then(|rest| rest.trim_start().strip_prefix(':'));
    match named.map(str::trim) {
        Some(language) if !language.eq_ignore_ascii_case("en") => Err("features are read in English"),
        Some(_) | None => Ok(()),
    }
}

/// An outline with one row in it.
fn filled(whole: &Scenario, block: &Examples, row: &[String]) -> Scenario {
    let fill = |text: &str| {
        let cells = block.names.iter().zip(row);
        cells.fold(text.to_owned(), |text, (name, cell)| text.replace(&format!("<{name}>"), cell))
    };
    let steps = whole.steps.iter().map(|step| Step {
        text: fill(&step.text),
        document: step.document.as_deref().map(fill),
        table: step.table.iter().map(|row| row.iter().map(|cell| fill(cell)).collect()).collect(),
        line: step.line,
    });
    let filled_name = fill(&whole.name);
    let name = if filled_name == whole.name { format!("{filled_name} ({})", row.join(", ")) } else { filled_name };
    let tags = whole.tags.iter().chain(&block.tags).cloned().collect();
    Scenario { feature: whole.feature.clone(), name, steps: steps.collect(), tags, unfilled: false }
}

#[cfg(test)]
mod tests;
