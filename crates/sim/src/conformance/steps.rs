//! The words of scenarios: what is given before anything runs, and the way through the steps.
//!
//! `corpus/ctk/README.md` lists them all; the first group is the upstream kit's own.

use std::collections::BTreeMap;

use provost_language::{Finding, Sources, read_value};
use provost_model::Value;

use super::run::Run;
use super::said::{Said as Outcome, plan};
use super::vocabulary::{Words, words};
use super::{Failure, Scenario, Setting, act, holds};

/// What stands above a workflow that a scenario writes without it.
const HEADING: &str = "document: { dsl: '1.0.3', namespace: ctk, name: case, version: '1.0.0' }\n";

/// A scenario on its way.
pub struct Script<'s> {
    pub(super) setting: &'s Setting,
    sources: Sources,
    /// The name of the first workflow.
    workflow: Option<String>,
    /// What the next start begins with.
    pub(super) input: Value,
    plan: BTreeMap<String, Vec<Outcome>>,
    /// Hosts that answer what they are asked.
    echoes: Vec<String>,
    run: Option<Run<'s>>,
    /// Whether a step waits for the document to be refused.
    may_be_refused: bool,
    /// What the compiler found wrong, where that is expected.
    pub(super) findings: Vec<Finding>,
    /// The refusal of the last command, where the next step expects it.
    pub(super) refusal: Option<(String, String)>,
}

/// One step, understood.
struct Said<'s> {
    words: Words,
    document: Option<&'s str>,
    line: usize,
}

/// Runs the steps; the line of the first that does not hold. Nothing runs before every step is understood.
///
/// # Errors
/// The line, from 1, and what is wrong there.
pub fn run(setting: &Setting, scenario: &Scenario) -> Result<(), (usize, Failure)> {
    if scenario.unfilled {
        return Err((0, Failure::Step("an outline without a row of examples".to_owned())));
    }
    let understood = scenario.steps.iter().map(|step| match words(step) {
        Ok(words) => Ok(Said { words, document: step.document.as_deref(), line: step.line }),
        Err(why) => Err((step.line, Failure::Step(why))),
    });
    let steps = understood.collect::<Result<Vec<_>, _>>()?;
    let last = steps.last().ok_or_else(|| (0, Failure::Step("a scenario without steps".to_owned())))?.line;
    let expects = |step: &Said<'_>| {
        ["the document should be refused", "the refusal should say"].iter().any(|begin| step.words.form.starts_with(begin))
    };
    let mut script = Script {
        setting,
        sources: setting.parts.clone(),
        workflow: None,
        input: Value::Null,
        plan: BTreeMap::new(),
        echoes: Vec::new(),
        run: None,
        may_be_refused: steps.iter().any(expects),
        findings: Vec::new(),
        refusal: None,
    };
    let told = script.walk(&steps).and_then(|()| script.closes().map_err(|failure| (last, failure)));
    // Who calls somebody that is not here is told so: what then holds may hold for another reason than the scenario's.
    match (told, script.run.as_ref().and_then(Run::stranger)) {
        (Err((line, Failure::Broken(why))), Some(host)) => Err((line, Failure::Elsewhere { host: host.to_owned(), why })),
        (Ok(()), Some(host)) => Err((last, Failure::Elsewhere { host: host.to_owned(), why: "nothing was answered".to_owned() })),
        (told, _) => told,
    }
}

impl<'s> Script<'s> {
    fn walk(&mut self, steps: &[Said<'_>]) -> Result<(), (usize, Failure)> {
        let mut next = steps.iter().skip(1);
        for step in steps {
            let waits_for_refusal = next.next().is_some_and(|next| next.words.form.starts_with("it should be refused"));
            match self.step(step) {
                Err(Failure::Command { code, why }) if waits_for_refusal => self.refusal = Some((code, why)),
                Ok(()) if waits_for_refusal => return Err((step.line, Failure::Broken("it was not refused".to_owned()))),
                told => told.map_err(|failure| (step.line, failure))?,
            }
        }
        Ok(())
    }

    fn step(&mut self, Said { words, document, .. }: &Said<'_>) -> Result<(), Failure> {
        if self.given(words, *document)? || act::carried_out(self, words, *document)? {
            return Ok(());
        }
        holds::check(self, words, *document)
    }

    /// What holds at the end of every scenario: something ran, and decided again it is the same.
    fn closes(&mut self) -> Result<(), Failure> {
        match &mut self.run {
            Some(run) => run.verify(),
            None if self.findings.is_empty() => Err(Failure::Broken("nothing was executed".to_owned())),
            None => Ok(()),
        }
    }

    /// What is there before anything runs; `false` when the step is none of these.
    fn given(&mut self, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
        match words.form.as_str() {
            "a workflow with definition:" | "another workflow with definition:" => self.define(quoted(document)?)?,
            "a workflow from ''" => {
                let name = words.quote(0)?;
                let text = self.setting.documents.text(name).map(str::to_owned);
                self.define(&text.ok_or_else(|| Failure::Absent(name.to_owned()))?)?;
            }
            "a workflow doing:" => self.define(&format!("{HEADING}{}", quoted(document)?))?,
            "the host '' answers what it is asked" => self.echoes.push(words.quote(0)?.to_owned()),
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
            let mut run = Run::publish(self.setting, &self.sources, workflow, &self.echoes)?;
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
        Failure::Broken(format!("the quoted text is no YAML: {}", said.join("; ")))
    })
}
