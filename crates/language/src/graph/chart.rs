//! What a drawing shows, before anybody decides where: items with marks, what is inside them, and where they lead.
//!
//! What must stay true: bounded. Long lists are folded into an item that says how many are not shown; long texts are cut.

use provost_model::program::{Block, Flow, Program, TaskIx};

use super::part;

/// Most items of one list.
const ITEMS_MAX: usize = 120;
/// Most branches of one fork.
const BRANCHES_MAX: usize = 7;
/// Most items of a whole drawing; lists that would pass it are folded to nothing but their number.
const DRAWN_MAX: usize = 1500;
/// Most characters of one line.
const LINE_MAX: usize = 46;

/// A workflow to be drawn.
#[derive(Debug)]
pub(super) struct Chart {
    /// Its name and version.
    pub(super) title: String,
    /// How many tasks it has.
    pub(super) tasks: usize,
    /// What starts it, line by line.
    pub(super) start: Vec<String>,
    /// Its own list.
    pub(super) list: List,
}

/// A list of items, in order or side by side.
#[derive(Debug, Default)]
pub(super) struct List {
    /// What stands over it.
    pub(super) title: Vec<String>,
    pub(super) items: Vec<Item>,
}

/// One task, or a fold.
#[derive(Debug)]
pub(super) struct Item {
    /// Unique in the drawing.
    pub(super) id: usize,
    /// The kind as written in the language: `act`, `switch`, ….
    pub(super) word: &'static str,
    pub(super) tone: Tone,
    pub(super) name: String,
    pub(super) details: Vec<String>,
    pub(super) marks: Vec<Mark>,
    /// Whether an `if` may skip it.
    pub(super) skippable: bool,
    /// The rows of a `switch`, in order.
    pub(super) cases: Vec<Case>,
    /// Where it leads when it ends.
    pub(super) then: To,
    pub(super) inside: Inside,
}

/// One row of a `switch`.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Its condition, or what stands for none.
    pub(super) when: String,
    /// Whether it has no condition.
    pub(super) always: bool,
    pub(super) to: To,
}

/// What is inside an item.
#[derive(Debug)]
pub(super) enum Inside {
    Nothing,
    /// A list that runs once.
    Once(List),
    /// A list that runs again and again.
    Loop(List),
    /// Items side by side.
    Fork(List),
    /// What is tried, what is done about errors, and where that leads.
    Try(List, List, To),
}

/// Where control goes; places count from 0 in the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    Next,
    Item(usize),
    Exit,
    End,
}

/// What an item is at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Computes or steers.
    Plain,
    /// A model answers.
    Agent,
    /// Something outside changes.
    Effect,
    /// A person answers.
    Person,
    /// An event leaves, or time passes.
    Event,
    /// An error.
    Fault,
}

impl Tone {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Agent => "agent",
            Self::Effect => "effect",
            Self::Person => "person",
            Self::Event => "event",
            Self::Fault => "fault",
        }
    }
}

/// A badge.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Chart {
    pub(super) fn of(program: &Program) -> Self {
        let mut drawn = Drawn { program, items: 0 };
        let list = drawn.list(&program.root, ITEMS_MAX);
        let title = format!("{} {}", cut(&program.name), cut(&program.version));
        Self { title, tasks: program.tasks.len(), start: part::start(program), list }
    }
}

/// Counts what is drawn.
struct Drawn<'p> {
    program: &'p Program,
    items: usize,
}

impl Drawn<'_> {
    fn list(&mut self, block: &Block, most: usize) -> List {
        let fits = if self.items + block.len().min(most) > DRAWN_MAX { 0 } else { most };
        // One task more than fits is shown rather than folded: a fold takes the same room.
        let shown = if block.len() <= fits + 1 { block.len() } else { fits };
        self.items += shown;
        let mut items: Vec<Item> = block.iter().take(shown).filter_map(|index| self.item(*index, block, shown)).collect();
        if shown < block.len() {
            items.push(fold(self.program.tasks.len() + self.items, block.len() - shown));
            self.items += 1;
        }
        List { title: Vec::new(), items }
    }

    fn item(&mut self, index: TaskIx, block: &Block, shown: usize) -> Option<Item> {
        let task = self.program.task(index)?;
        let part = part::of(self.program, task);
        let to = |flow: &Flow| match flow {
            Flow::Continue => To::Next,
            Flow::Exit => To::Exit,
            Flow::End => To::End,
            Flow::Task(target) => block.iter().position(|other| other == target).map_or(To::Next, |at| To::Item(at.min(shown))),
        };
        let mut item = Item {
            id: index.0 as usize,
            word: part.word,
            tone: part.tone,
            name: cut(&task.name),
            details: part.details,
            marks: part.marks,
            skippable: task.when.is_some(),
            cases: part
                .cases
                .into_iter()
                .map(|row| Case { name: row.name, when: row.when, always: row.always, to: to(row.flow) })
                .collect(),
            then: to(&task.then),
            inside: Inside::Nothing,
        };
        item.inside = match part.blocks {
            part::Blocks::None => Inside::Nothing,
            part::Blocks::Once(block) => Inside::Once(self.list(block, ITEMS_MAX)),
            part::Blocks::Loop(block) => Inside::Loop(self.list(block, ITEMS_MAX)),
            part::Blocks::Fork(block) => Inside::Fork(self.list(block, BRANCHES_MAX)),
            part::Blocks::Try { body, catch, title, then } => {
                let tried = List { title: vec!["try".to_owned()], ..self.list(body, ITEMS_MAX) };
                let caught = catch.map(|block| self.list(block, ITEMS_MAX)).unwrap_or_default();
                Inside::Try(tried, List { title, ..caught }, to(then))
            }
        };
        Some(item)
    }
}

/// Stands for what is not shown.
fn fold(id: usize, more: usize) -> Item {
    Item {
        id,
        word: "",
        tone: Tone::Plain,
        name: format!("… and {more} more"),
        details: Vec::new(),
        marks: Vec::new(),
        skippable: false,
        cases: Vec::new(),
        then: To::Next,
        inside: Inside::Nothing,
    }
}

/// One line of bounded length, without control characters.
pub(super) fn cut(text: &str) -> String {
    let mut clean = String::new();
    for word in text.split(|c: char| c.is_whitespace() || is_unseen(c)).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    match clean.char_indices().nth(LINE_MAX) {
        Some((at, _)) => format!("{}…", clean.get(..at).unwrap_or_default().trim_end()),
        None => clean,
    }
}

/// Characters that XML 1.0 refuses, or that turn the direction of what is around them.
fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
