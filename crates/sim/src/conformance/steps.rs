//! The words of scenarios: what is given before anything runs, and the way through the steps.
//!
//! `corpus/ctk/README.md` lists them all; the first group is the upstream kit's own.

use std::collections::BTreeMap;

use provost_language::{Finding, Sources, read_value};
use provost_model::Value;

use super::run::Run;
use super::said::{Said, plan};
use super::{Failure, Scenario, Setting, Step, act, holds};

/// What stands above a workflow that a scenario writes without it.
const HEADING: &str = "document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }\n";

/// A step's words, apart: its form with `''` for each quoted word and `#` for the number.
pub struct Words<'t> {
    /// The form.
    pub form: String,
    /// The quoted words.
    pub quoted: Vec<&'t str>,
    /// The number; `once` is 1.
    pub number: i64,
    /// The text as written.
    pub text: &'t str,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        let text = text.strip_prefix("given ").unwrap_or(text);
        let quoted = text.split('\'').skip(1).step_by(2).collect();
        let blank: Vec<&str> = text.split('\'').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "" }).collect();
        let mut number = 0;
        let blank = blank.join("'");
        let mut form = Vec::new();
        for word in blank.split(' ') {
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
    pub fn quote(&self, at: usize) -> Result<&'t str, Failure> {
        self.quoted.get(at).copied().ok_or_else(|| Failure::Step(self.text.to_owned()))
    }
}

/// A scenario on its way.
pub struct Script<'s> {
    pub(super) setting: &'s Setting,
    sources: Sources,
    /// The name of the first workflow.
    workflow: Option<String>,
    /// What the next start begins with.
    pub(super) input: Value,
    plan: BTreeMap<String, Vec<Said>>,
    run: Option<Run<'s>>,
    /// Whether a step waits for the document to be refused.
    may_be_refused: bool,
    /// What the compiler found wrong, where that is expected.
    pub(super) findings: Vec<Finding>,
    /// The refusal of the last command, where the next step expects it.
    pub(super) refusal: Option<(String, String)>,
}

/// Runs the steps; the line of the first that does not hold.
///
/// # Errors
/// The line, from 1, and what is wrong there.
pub fn run(setting: &Setting, scenario: &Scenario) -> Result<(), (usize, Failure)> {
    let expects = |step: &Step| step.text.starts_with("the document should be refused");
    let mut script = Script {
        setting,
        sources: setting.parts.clone(),
        workflow: None,
        input: Value::Null,
        plan: BTreeMap::new(),
        run: None,
        may_be_refused: scenario.steps.iter().any(expects),
        findings: Vec::new(),
        refusal: None,
    };
    let mut next = scenario.steps.iter().skip(1);
    for step in &scenario.steps {
        let waits_for_refusal = next.next().is_some_and(|next| next.text.starts_with("it should be refused"));
        match script.step(step) {
            Err(Failure::Command { code, why }) if waits_for_refusal => script.refusal = Some((code, why)),
            Ok(()) if waits_for_refusal => return Err((step.line, Failure::Broken("it was not refused".to_owned()))),
            told => told.map_err(|failure| (step.line, failure))?,
        }
    }
    let last = scenario.steps.last().map_or(0, |step| step.line);
    match &mut script.run {
        Some(run) => run.verify().map_err(|failure| (last, failure)),
        None if script.findings.is_empty() => Err((last, Failure::Broken("nothing was executed".to_owned()))),
        None => Ok(()),
    }
}

impl<'s> Script<'s> {
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let words = Words::of(&step.text);
        let document = step.document.as_deref();
        if self.given(&words, document)? || act::carried_out(self, &words, document)? {
            return Ok(());
        }
        holds::check(self, &words, document)
    }

    /// What is there before anything runs; `false` when the step is none of these.
    fn given(&mut self, words: &Words<'_>, document: Option<&str>) -> Result<bool, Failure> {
        match words.form.as_str() {
            "a workflow with definition:" | "another workflow with definition:" => self.define(quoted(document)?)?,
            "a workflow doing:" => self.define(&format!("{HEADING}{}", quoted(document)?))?,
            "a file '':" => self.sources.add(words.quote(0)?, quoted(document)?.as_bytes().to_vec()),
            "the workflow input is:" => self.input = value(quoted(document)?)?,
            "'' answers:" => self.planned(words.quote(0)?.to_owned(), quoted(document)?)?,
            "look-ups of '' answer:" => self.planned(format!("lookup:{}", words.quote(0)?), quoted(document)?)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn define(&mut self, text: &str) -> Result<(), Failure> {
        let name = read_value(text).ok().and_then(|value| Some(value.member("document")?.member("name")?.as_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "nameless".to_owned());
        self.sources.add(&format!("workflows/{name}.yaml"), text.as_bytes().to_vec());
        self.workflow.get_or_insert(name);
        Ok(())
    }

    fn planned(&mut self, name: String, text: &str) -> Result<(), Failure> {
        let says = plan(text)?;
        if let Some(run) = &mut self.run {
            run.plan.insert(name.clone(), says.iter().cloned().collect());
        }
        self.plan.insert(name, says);
        Ok(())
    }

    /// The bundle on its machine; compiled and started when it is first needed.
    ///
    /// # Errors
    /// The document is refused, which no step expects.
    pub fn running(&mut self) -> Result<&mut Run<'s>, Failure> {
        if self.run.is_none() {
            let workflow = self.workflow.as_deref().ok_or_else(|| Failure::Broken("there is no workflow".to_owned()))?;
            let mut run = Run::publish(self.setting, &self.sources, workflow)?;
            run.plan = self.plan.iter().map(|(name, says)| (name.clone(), says.iter().cloned().collect())).collect();
            self.run = Some(run);
        }
        self.run.as_mut().ok_or_else(|| Failure::Broken("nothing runs".to_owned()))
    }

    /// Compiles the bundle; its refusal is kept where a step expects one.
    ///
    /// # Errors
    /// The document is refused, which no step expects.
    pub fn publish(&mut self) -> Result<(), Failure> {
        match self.running().map(drop) {
            Ok(()) => Ok(()),
            Err(Failure::Refused(findings)) if self.may_be_refused => {
                self.findings = findings;
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The quoted text of a step that needs one.
///
/// # Errors
/// There is none.
pub fn quoted(document: Option<&str>) -> Result<&str, Failure> {
    document.ok_or_else(|| Failure::Step("it needs quoted text".to_owned()))
}

/// A value written as YAML.
///
/// # Errors
/// What is wrong with it.
pub fn value(text: &str) -> Result<Value, Failure> {
    read_value(text).map_err(|findings| {
        let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        Failure::Step(format!("the quoted text is no YAML: {}", said.join("; ")))
    })
}
