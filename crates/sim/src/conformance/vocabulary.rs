//! Every step there is, by its form: `''` stands for a quoted word, `#` for a number, `:` at the end for quoted text below.
//!
//! What must stay true: a form that is not here is not known, and a scenario with such a step is skipped before anything of it runs.

use super::{Failure, Step};

/// Steps of the upstream kit and ours that stand for themselves.
const FORMS: [&str; 68] = [
    // What is given.
    "a workflow with definition:",
    "another workflow with definition:",
    "a workflow from ''",
    "a workflow doing:",
    "the host '' answers what it is asked",
    "a file '':",
    "the workflow input is:",
    "'' answers:",
    "look-ups of '' answer:",
    // What happens.
    "the workflow is published",
    "the workflow is executed",
    "the workflow is started",
    "the workflow '' is started",
    "time passes",
    "# second passes",
    "# seconds pass",
    "# millisecond passes",
    "# milliseconds pass",
    "# minute passes",
    "# minutes pass",
    "# hour passes",
    "# hours pass",
    "# day passes",
    "# days pass",
    "the event is sent:",
    "the workflow is cancelled",
    "the workflow is redriven",
    "'' is resolved as done:",
    "'' is resolved as not done",
    "'' answers the review with ''",
    "'' answers the review with '':",
    // What must be so.
    "the document should be refused",
    "the document should be refused with ''",
    "the document should be refused with '' at line #",
    "the refusal should say ''",
    "it should be refused with ''",
    "the document should draw the warning ''",
    "the document should draw no warning",
    "the workflow should complete",
    "the workflow should complete with output:",
    "the workflow should fault",
    "the workflow should fault with ''",
    "the workflow should fault with error:",
    "the workflow should be parked with ''",
    "the workflow should wait",
    "the workflow should be cancelling",
    "the workflow should cancel",
    "the workflow output should have a '' property with value:",
    "the workflow output should have a '' property containing # items",
    "the workflow output should have '' with # items",
    "the workflow output should not have a '' property",
    "the error should have a '' property with value:",
    "the context should be:",
    "'' should be called # times",
    "look-ups of '' should be made # times",
    "'' should be called with:",
    "'' should be called with a '' property of value:",
    "'' should be called under # keys",
    "'' should be called under # key",
    "'' should be called under the key ''",
    "'' should be called with the secret ''",
    "somebody should be asked ''",
    "nobody should be asked",
    "the question should show:",
    "an event of type '' should be emitted # times",
    "policy should be asked about '' # times",
    "the emitted event should have a '' property with value:",
    "the '' lifecycle event should have a '' property with value:",
];
/// Words that other kits begin a step with in capitals.
const BEGINNINGS: [&str; 11] = ["a", "an", "another", "it", "look-ups", "nobody", "policy", "somebody", "the", "there", "time"];
const UNITS: [&str; 10] = ["millisecond", "milliseconds", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days"];
/// How orchestrations may stand.
const STANDINGS: [&str; 6] = ["completed", "waiting", "faulted", "parked", "cancelled", "cancelling"];

/// A step's words, apart.
pub struct Words {
    /// The form.
    pub form: String,
    /// The quoted words.
    pub quoted: Vec<String>,
    /// The number; `once` is 1.
    pub number: i64,
    /// The text, in the spelling that forms have.
    pub text: String,
}

impl Words {
    fn of(text: String) -> Self {
        let quoted = text.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        let blank: Vec<&str> = text.split('\'').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "" }).collect();
        let mut number = 0;
        let blank = blank.join("'");
        let mut form = Vec::new();
        for word in blank.split_whitespace() {
            match word.parse() {
                Ok(parsed) => {
                    number = parsed;
                    form.push("#");
                }
                Err(_) if word == "once" => {
                    number = 1;
                    form.extend(["#", "times"]);
                }
                Err(_) => form.push(word),
            }
        }
        Self { form: form.join(" "), quoted, number, text }
    }

    /// The nth quoted word.
    ///
    /// # Errors
    /// It is not there.
    pub fn quote(&self, at: usize) -> Result<&str, Failure> {
        self.quoted.get(at).map(String::as_str).ok_or_else(|| Failure::Step(self.text.clone()))
    }

    /// Whether there is such a step.
    fn known(&self) -> bool {
        let form = self.form.as_str();
        FORMS.contains(&form) || several(form) || of_task(&self.text)
    }
}

/// Forms with a list or a word of their own in them.
fn several(form: &str) -> bool {
    if let Some(names) = form.strip_prefix("the workflow output should have properties ") {
        return names.split(", ").all(|name| name == "''");
    }
    let time = form.strip_prefix("the workflow should take # ").or_else(|| form.strip_prefix("the machine is down for # "));
    if let Some(unit) = time {
        return UNITS.contains(&unit);
    }
    let runs = form.strip_prefix("there should be # ").map(|runs| runs.split(' ').collect::<Vec<_>>());
    match runs.as_deref() {
        Some(["run" | "runs", "of", "''"]) => true,
        Some([how, "run" | "runs", "of", "''"]) => STANDINGS.contains(how),
        _ => false,
    }
}

/// Forms that begin with a task.
fn of_task(text: &str) -> bool {
    let of_all = text.starts_with("the lifecycle of ") || text.starts_with("the phases of ");
    if text.starts_with("the tasks should run in this order: ") || of_all && text.contains(" should be: ") {
        return true;
    }
    let Some((task, what)) = text.split_once(" should ") else { return false };
    let task = task.strip_prefix('\'').and_then(|task| task.strip_suffix('\'')).unwrap_or(task);
    // A name of several words is quoted: without that, any sentence would be one.
    if task.is_empty() || (text.starts_with(task) && task.contains(' ')) {
        return false;
    }
    match what.split(' ').collect::<Vec<_>>().as_slice() {
        ["run", "first" | "last" | "once"] | ["run", "before" | "after", _] | ["not", "run"] | ["be", "skipped"] => true,
        ["run", n, "times"] => n.parse::<usize>().is_ok(),
        ["complete" | "fault" | "cancel"] | ["complete", "with", "output:"] | ["fault", "with", "error:"] => true,
        ["fault", "with", code] => code.starts_with('\'') && code.ends_with('\''),
        _ => false,
    }
}

/// The words of a step, in the spelling that forms have; or why it is not understood.
///
/// # Errors
/// What the report says.
pub fn words(step: &Step) -> Result<Words, String> {
    let mut words = Words::of(spelling(&step.text));
    if step.document.is_some() && !words.form.ends_with(':') {
        words = Words::of(format!("{}:", words.text));
    }
    let said = &step.text;
    if !step.table.is_empty() {
        return Err(format!("`{said}` is given a table, which no step takes"));
    }
    if !words.known() {
        let without = words.text.strip_suffix(':').map(|text| Words::of(text.to_owned()));
        if without.is_some_and(|without| without.known()) {
            return Err(format!("`{said}` is given quoted text, which it does not take"));
        }
        return Err(format!("the step `{said}` is not known"));
    }
    if step.document.is_none() && words.form.ends_with(':') && !words.text.starts_with("the tasks ") {
        return Err(format!("`{said}` needs quoted text below it"));
    }
    Ok(words)
}

/// One spelling for what may be written in several.
fn spelling(text: &str) -> String {
    let mut text = text.trim().trim_end_matches('.').to_owned();
    for word in ["given ", "when ", "then ", "and "] {
        if text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word)) {
            text = text.get(word.len()..).unwrap_or_default().to_owned();
        }
    }
    if !text.contains('\'') && text.matches('"').count().is_multiple_of(2) {
        text = text.replace('"', "'");
    }
    let first = text.split(' ').next().unwrap_or_default().to_lowercase();
    if BEGINNINGS.contains(&first.as_str()) {
        text = format!("{first}{}", text.get(first.len()..).unwrap_or_default());
    }
    text = text.replace(" should have an '", " should have a '").replace(" should have property '", " should have properties '");
    if let Some(one) = text.strip_suffix(" 1 item").map(|begin| format!("{begin} 1 items")) { one } else { text }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{Step, words};

    fn step(text: &str, document: bool) -> Step {
        Step { text: text.to_owned(), document: document.then(String::new), ..Step::default() }
    }

    #[test]
    fn spellings_of_other_kits_are_the_same_steps() {
        let same = [
            ("given the workflow input is:", true, "the workflow input is:"),
            ("A workflow with definition", true, "a workflow with definition:"),
            ("The workflow should complete.", false, "the workflow should complete"),
            ("the workflow output should have property \"a.b\"", false, "the workflow output should have properties ''"),
            (
                "the workflow output should have an 'a' property containing 1 item",
                false,
                "the workflow output should have a '' property containing # items",
            ),
            ("the workflow output should have properties 'a', 'b.c'", false, "the workflow output should have properties '', ''"),
            ("Greet should complete with output", true, "Greet should complete with output:"),
            ("'a b' should fault with error:", true, "'' should fault with error:"),
            ("there should be 2 parked runs of 'x'", false, "there should be # parked runs of ''"),
        ];
        for (text, document, form) in same {
            assert_eq!(words(&step(text, document)).unwrap().form, form);
        }
    }

    #[test]
    fn what_is_not_understood_says_which_step() {
        let wrong = [
            ("the moon should be full", false, "the step `the moon should be full` is not known"),
            ("the whole moon should run first", false, "is not known"),
            ("", false, "the step `` is not known"),
            ("the workflow should complete", true, "`the workflow should complete` is given quoted text"),
            ("the workflow should complete with output:", false, "needs quoted text"),
            ("a workflow with definition:", false, "needs quoted text"),
            ("a should run sideways", false, "is not known"),
            ("there should be 2 happy runs of 'x'", false, "is not known"),
            ("the workflow should take 3 parsecs", false, "is not known"),
        ];
        for (text, document, why) in wrong {
            let said = words(&step(text, document)).err().unwrap();
            assert!(said.contains(why), "{said}");
        }
        let mut table = step("the workflow should complete", false);
        table.table.push(vec!["x".to_owned()]);
        assert!(words(&table).err().unwrap().contains("a table"));
    }
}
