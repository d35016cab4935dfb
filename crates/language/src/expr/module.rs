//! All expressions of one program, compiled together once and evaluated by index.
//!
//! What must stay true: compiling judges every source and reports all that is wrong, each with its place; an evaluation sees only its
//! input, the variables it names and its fuel, and leaves nothing behind. A module may be shared between threads.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jaq_core::compile::TermId;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{Arena, File, Lexer, Loader, Parser};
use jaq_core::{Compiler, Ctx, Lut, Vars};
use provost_model::Value;
use provost_model::labels::Labels;

use super::catalogue::{FROM_CORE, GLOBALS};
use super::check::{Finding, Reads, Tree, Walk};
use super::error::{EvalError, EvalErrorKind, ExprError, ExprErrorKind};
use super::meter::{self, Burned, Fuel, Metered, Trip};
use super::natives::{self, Jq, Reach};
use super::place_secrets::place_secrets;
use super::regexp::Patterns;
use super::secret::{holds_reserved, secret_marker};
use super::trace::{Spot, Traced};
use super::val::{INPUT_DEPTH, V};
use super::{ops, strip};

/// Longest source, in bytes.
const SOURCE_BYTES_MAX: usize = 8 << 10;
/// Stack for compiling, in bytes: the parser recurses over at most [`SOURCE_BYTES_MAX`] tokens.
const COMPILE_STACK_BYTES: usize = 256 << 20;
/// Stack for evaluating what may nest deeply, in bytes.
pub(super) const DEEP_STACK_BYTES: usize = 64 << 20;
/// Stack for a thread that evaluates often, in bytes: what may nest deeply then finds room, and none is mapped for each evaluation.
/// Reserved, and not touched before it is used.
pub const THREAD_STACK_BYTES: usize = DEEP_STACK_BYTES / 2 + (4 << 20);
/// Stack that every other evaluation needs, in bytes.
pub(super) const SHALLOW_STACK_BYTES: usize = if cfg!(debug_assertions) { 1 << 20 } else { 256 << 10 };
/// Longest text of an author's `error` that is kept, in characters.
const DETAIL_CHARS_MAX: usize = 1024;

/// Where the expressions begin, in their order.
pub(super) type Entries = RefCell<Vec<TermId>>;

/// One expression as authored, with the variables its place adds.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The text, bare or as `${ … }`.
    pub text: &'a str,
    /// Names, without `$`, that may be read besides [`GLOBALS`]: of loops, of `catch`.
    pub names: &'a [&'a str],
}

impl<'a> Source<'a> {
    /// An expression that reads no other variables.
    pub fn new(text: &'a str) -> Self {
        Self { text, names: &[] }
    }
}

impl<'a> From<&'a str> for Source<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

/// Values of the variables of one evaluation. What is not set is null.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    globals: [Value; GLOBALS.len()],
    others: Vec<(String, Value)>,
    labels: Vec<(String, Labels)>,
}

impl Variables {
    /// No variable set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` (without `$`). `secrets` cannot be set: an expression sees markers only.
    pub fn set(&mut self, name: &str, value: Value) {
        let global = GLOBALS.iter().position(|global| *global == name);
        match global.and_then(|at| self.globals.get_mut(at)) {
            Some(slot) => *slot = value,
            None => match self.others.iter_mut().find(|(known, _)| known == name) {
                Some((_, slot)) => *slot = value,
                None => self.others.push((name.to_owned(), value)),
            },
        }
    }

    /// The same with `name` set.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.set(name, value);
        self
    }

    /// Labels the value of `name`, for [`Module::evaluate_labelled`].
    pub fn label(&mut self, name: &str, labels: Labels) {
        self.labels.retain(|(known, _)| known != name);
        if !labels.is_empty() {
            self.labels.push((name.to_owned(), labels));
        }
    }

    fn labels(&self, name: &str) -> Option<&Labels> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, labels)| labels)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        match GLOBALS.iter().position(|global| *global == name) {
            Some(at) => self.globals.get(at),
            None => self.others.iter().find(|(known, _)| known == name).map(|(_, value)| value),
        }
    }
}

/// What came of one evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The first output.
    pub result: Result<Value, EvalError>,
    /// Labels of the result's places.
    pub labels: Labels,
    /// What was burned.
    pub burned: Burned,
}

/// An input, with its labels if anything is labelled.
type Input<'a> = (&'a Value, Option<(&'a Traced, &'a Labels)>);

/// The expressions of one program.
pub struct Module {
    lut: Lut<Jq>,
    expressions: Vec<Expression>,
}

#[derive(Debug)]
struct Expression {
    entry: TermId,
    variables: Vec<String>,
    secrets: Vec<String>,
    context_keys: Option<Vec<String>>,
    deep: bool,
    forgives: bool,
}

/// One source on its way.
struct Read<'s> {
    tree: Tree<'s>,
    reads: Reads<'s>,
    secrets: Vec<String>,
}

impl Module {
    /// Compiles all `sources` of one program. Their order gives the indices.
    ///
    /// # Errors
    /// Everything that is wrong with any source, each with its place in the text as handed in.
    pub fn compile(sources: &[Source<'_>]) -> Result<Self, Vec<ExprError>> {
        meter::unmetered(|| stacker::grow(COMPILE_STACK_BYTES, || compile(sources)))
    }

    /// How many expressions there are.
    pub fn len(&self) -> usize {
        self.expressions.len()
    }

    /// Whether there is no expression.
    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    fn expression(&self, index: u32) -> Option<&Expression> {
        self.expressions.get(usize::try_from(index).ok()?)
    }

    /// Names of the secrets that expression `index` puts into its result.
    pub fn uses_secrets(&self, index: u32) -> &[String] {
        self.expression(index).map(|e| e.secrets.as_slice()).unwrap_or_default()
    }

    /// Names, without `$`, of the caller's variables that expression `index` reads.
    pub fn variables_used(&self, index: u32) -> &[String] {
        self.expression(index).map(|e| e.variables.as_slice()).unwrap_or_default()
    }

    /// Top-level keys of `$context` that expression `index` reads; `None` if it reads `$context` as a whole.
    pub fn context_keys(&self, index: u32) -> Option<&[String]> {
        self.expression(index).and_then(|e| e.context_keys.as_deref())
    }

    /// The first output of expression `index` for `input`; null if there is none.
    ///
    /// # Errors
    /// [`EvalError`] when it fails or a limit ends it.
    pub fn evaluate(&self, index: u32, input: &Value, variables: &Variables, limits: Fuel) -> Result<Value, EvalError> {
        self.evaluate_counted(index, input, variables, limits).0
    }

    /// Like [`Module::evaluate`], and says what was burned.
    pub fn evaluate_counted(&self, index: u32, input: &Value, variables: &Variables, limits: Fuel) -> (Result<Value, EvalError>, Burned) {
        let evaluated = self.evaluate_traced(index, (input, None), variables, limits);
        (evaluated.result, evaluated.burned)
    }

    /// Like [`Module::evaluate_counted`] for an input with `labels`, and says the labels of what came out: of its places, and at least
    /// the join of all that was read on the way. A failure is labelled too: that it failed tells of what it read.
    pub fn evaluate_labelled(&self, index: u32, (input, labels): (&Value, &Labels), variables: &Variables, limits: Fuel) -> Evaluated {
        if labels.is_empty() && variables.labels.is_empty() {
            return self.evaluate_traced(index, (input, None), variables, limits);
        }
        let traced = Traced::start(self.expression(index).is_some_and(|expression| expression.forgives));
        self.evaluate_traced(index, (input, Some((&traced, labels))), variables, limits)
    }

    fn evaluate_traced(&self, index: u32, input: Input<'_>, variables: &Variables, limits: Fuel) -> Evaluated {
        let metered = Metered::start(limits);
        let Some(expression) = self.expression(index) else {
            let detail = format!("there is no expression {index}; this program has {}", self.len());
            let result = Err(EvalError::new(EvalErrorKind::Missing, detail, Burned::default()));
            return Evaluated { result, labels: Labels::new(), burned: Burned::default() };
        };
        let need = if expression.deep { DEEP_STACK_BYTES / 2 } else { SHALLOW_STACK_BYTES };
        let run = || catch_unwind(AssertUnwindSafe(|| self.run(expression, input, variables, limits)));
        let outcome = stacker::maybe_grow(need, DEEP_STACK_BYTES, run);
        let burned = metered.burned();
        drop(metered);
        let read = || input.1.map(|(traced, _)| traced.result(Spot::NONE)).unwrap_or_default();
        let (result, labels) = match outcome {
            Ok(Ok((value, labels))) => (Ok(value), labels),
            Ok(Err((kind, detail))) => (Err(EvalError::new(kind, detail, burned)), read()),
            Err(payload) => match payload.downcast::<Trip>() {
                Ok(why) => (Err(EvalError::tripped(*why, burned)), read()),
                Err(defect) => resume_unwind(defect),
            },
        };
        Evaluated { result, labels, burned }
    }

    fn run(
        &self,
        expression: &Expression,
        (input, trace): Input<'_>,
        variables: &Variables,
        limits: Fuel,
    ) -> Result<(Value, Labels), Failure> {
        let patterns = Patterns::default();
        let reach = Reach { lut: &self.lut, patterns: &patterns, entries: None };
        let mut values = Vec::with_capacity(expression.variables.len());
        for name in &expression.variables {
            let spot = trace.zip(variables.labels(name)).map(|((traced, _), labels)| traced.input(labels));
            values.push(V::input(bind(name, &expression.secrets, variables)?).at(spot.unwrap_or_default()));
        }
        if !expression.secrets.is_empty() {
            let read = expression.variables.iter().filter(|name| *name != "secrets").filter_map(|name| variables.value(name));
            if [input].into_iter().chain(read).any(holds_reserved) {
                let detail = "a value read beside `$secrets` holds a character that is reserved for secrets (U+FDD0)";
                return Err((EvalErrorKind::Secret, detail.to_owned()));
            }
        }
        let context = Ctx::<Jq>::new(reach, Vars::new(values));
        let spot = trace.map(|(traced, labels)| traced.input(labels)).unwrap_or_default();
        let first = expression.entry.run((context, V::input(input.clone()).at(spot))).next();
        let labels = |spot| trace.map(|(traced, _)| traced.result(spot)).unwrap_or_default();
        match first {
            None => Ok((Value::Null, labels(Spot::NONE))),
            Some(Ok(v)) => {
                let spot = v.spot;
                finish(v, limits).map(|value| (value, labels(spot)))
            }
            Some(Err(exception)) => Err(match exception.get_err() {
                Ok(error) => failure(&error.into_val()),
                Err(_) => (EvalErrorKind::Type, "`break` left the expression".to_owned()),
            }),
        }
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("expressions", &self.expressions).finish_non_exhaustive()
    }
}

/// What went wrong inside.
type Failure = (EvalErrorKind, String);

fn bind(name: &str, secrets: &[String], variables: &Variables) -> Result<Value, Failure> {
    if name == "secrets" {
        return Ok(Value::object(secrets.iter().map(|name| (name.as_str(), Value::from(secret_marker(name))))));
    }
    variables.value(name).cloned().ok_or_else(|| (EvalErrorKind::Missing, format!("variable `${name}` has no value here")))
}

fn failure(thrown: &V) -> Failure {
    let text = natives::shown(thrown);
    let path_error = thrown.fault.is_none() && text.starts_with("invalid path expression");
    let kind = if path_error { EvalErrorKind::Type } else { thrown.fault.unwrap_or(EvalErrorKind::User) };
    (kind, text.chars().take(DETAIL_CHARS_MAX).collect())
}

/// The result, measured as if written out: parts that are shared count each time.
fn finish(v: V, limits: Fuel) -> Result<Value, Failure> {
    if matches!(v.value, Value::Array(_) | Value::Object(_)) {
        if ops::measure(&v.value) as u64 > limits.bytes_max {
            meter::trip(Trip::Bytes);
        }
        if v.depth > INPUT_DEPTH && ops::depth_of(&v.value) > INPUT_DEPTH {
            meter::trip(Trip::Depth);
        }
    }
    Ok(v.value)
}

fn compile(sources: &[Source<'_>]) -> Result<Module, Vec<ExprError>> {
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for (index, source) in (0_u32..).zip(sources) {
        match read_source(source) {
            Ok(one) => read.push(one),
            Err(findings) => errors.extend(findings.into_iter().map(|finding| place(index, source.text, finding))),
        }
    }
    if errors.is_empty() { link(read) } else { Err(errors) }
}

/// Parses `sources`, which compiled before, on a stack that holds the deepest of them.
pub(super) fn with_trees<T>(sources: &[&str], look: impl FnOnce(&[Option<Tree<'_>>]) -> T) -> T {
    stacker::grow(COMPILE_STACK_BYTES, || {
        let trees: Vec<_> = sources.iter().map(|source| parse(strip(source)).ok()).collect();
        look(&trees)
    })
}

fn read_source<'s>(source: &Source<'s>) -> Result<Read<'s>, Vec<Finding<'s>>> {
    let code = strip(source.text);
    if code.len() > SOURCE_BYTES_MAX {
        let detail = format!("expression is longer than {SOURCE_BYTES_MAX} bytes");
        let hint = "split it over several `set` tasks".to_owned();
        return Err(vec![Finding { kind: ExprErrorKind::TooLarge, at: code.get(..0).unwrap_or(code), detail, hint }]);
    }
    let tree = parse(code)?;
    let mut walk = Walk::new(source.names);
    walk.term(&tree, false);
    let (mut findings, mut secrets) = (walk.findings, Vec::new());
    if findings.is_empty() {
        place_secrets(&tree, true, &mut secrets, &mut findings);
    }
    if findings.is_empty() { Ok(Read { tree, reads: walk.reads, secrets }) } else { Err(findings) }
}

fn parse(code: &str) -> Result<Tree<'_>, Vec<Finding<'_>>> {
    let wrong = |at, wanted: &str, hint: &str| Finding {
        kind: ExprErrorKind::Syntax,
        at,
        detail: format!("expected {wanted}"),
        hint: hint.to_owned(),
    };
    let end = code.get(code.len()..).unwrap_or_default();
    let hint = "expressions are jq; text stands in double quotes";
    let tokens = Lexer::new(code).lex();
    let tokens =
        tokens.map_err(|errors| errors.into_iter().map(|(expected, at)| wrong(at, expected.as_str(), hint)).collect::<Vec<_>>())?;
    let tree = Parser::new(&tokens).parse(|p| p.term());
    tree.map_err(|errors| {
        let at_token = errors.into_iter().map(|(expected, found)| (found.map_or(end, |token| token.0), expected));
        at_token.map(|(at, expected)| wrong(at, expected.as_str(), hint)).collect()
    })
}

/// Finds the line and column of a finding. One without a place stands for the whole source.
fn place(index: u32, text: &str, finding: Finding<'_>) -> ExprError {
    let inside = (finding.at.as_ptr() as usize).checked_sub(text.as_ptr() as usize).filter(|at| *at <= text.len());
    let offset = inside.filter(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = text.get(..offset).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let line = before.matches('\n').count() + 1;
    ExprError {
        index,
        kind: finding.kind,
        offset,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        detail: finding.detail,
        hint: finding.hint,
    }
}

/// Builds the one jaq module: each expression behind its variables, all under one filter that is run once to learn where they begin.
fn link<'s>(read: Vec<Read<'s>>) -> Result<Module, Vec<ExprError>> {
    let count = read.len();
    let mut expressions = Vec::with_capacity(count);
    let mut starts = Vec::with_capacity(count);
    for Read { tree, reads, secrets } in read {
        let start = Term::Call("_entry", vec![tree]);
        starts.push(reads.variables.iter().rev().fold(start, |inner, name| bound(name, inner)));
        let variables = reads.variables.iter().map(|name| name.trim_start_matches('$').to_owned()).collect();
        let context_keys = (!reads.whole_context).then(|| reads.context_keys.into_iter().collect());
        let (deep, forgives) = (reads.deep, reads.forgives);
        expressions.push(move |entry| Expression { entry, variables, secrets, context_keys, deep, forgives });
    }
    let main = Def { name: "_main", args: Vec::new(), body: balanced(starts) };
    let core = jaq_core::defs().filter(|def| FROM_CORE.contains(&(def.name, def.args.len())));
    let own = jaq_core::load::parse(include_str!("prelude.jq"), |p| p.defs()).unwrap_or_default();
    let arena = Arena::default();
    let loaded = Loader::new(core.chain(own).map(shorten).chain([main])).load(&arena, File { code: "_main", path: () });
    let modules = loaded.map_err(|_| defect("the prelude cannot be read"))?;
    let filter = Compiler::default().with_funs(natives::all()).compile(modules).map_err(|errors| {
        let names = errors.iter().flat_map(|(_, undefined)| undefined).map(|(name, _)| *name);
        defect(&format!("no meaning for {}", names.collect::<Vec<_>>().join(", ")))
    })?;
    let (entries, patterns) = (Entries::default(), Patterns::default());
    let reach = Reach { lut: &filter.lut, patterns: &patterns, entries: Some(&entries) };
    let failed = filter.id.run((Ctx::<Jq>::new(reach, Vars::new([])), V::flat(Value::Null))).any(|out| out.is_err());
    let entries = entries.take();
    if failed || entries.len() != count {
        return Err(defect("not every expression has an entry"));
    }
    let expressions = entries.into_iter().zip(expressions).map(|(entry, with)| with(entry));
    Ok(Module { expressions: expressions.collect(), lut: filter.lut })
}

/// What no source should be able to cause.
fn defect(why: &str) -> Vec<ExprError> {
    let detail = format!("expressions cannot be linked: {why}");
    let hint = "report this with the expression".to_owned();
    vec![place(0, "", Finding { kind: ExprErrorKind::Syntax, at: "", detail, hint })]
}

/// A definition of the prelude beside those of the sources.
fn shorten<'s>(def: Def<&'static str>) -> Def<&'s str> {
    def
}

/// `inner` where the variable `name` is known. What it is bound to is replaced when evaluating.
fn bound<'s>(name: &'s str, inner: Tree<'s>) -> Tree<'s> {
    Term::BinOp(Box::new(Term::Num("0")), BinaryOp::Pipe(Some(Pattern::Var(name))), Box::new(inner))
}

/// The terms one after the other, nested as little as possible.
fn balanced<'s>(mut terms: Vec<Tree<'s>>) -> Tree<'s> {
    match terms.len() {
        0 => Term::Call("empty", Vec::new()),
        1 => terms.pop().unwrap_or_default(),
        len => {
            let right = terms.split_off(len / 2);
            Term::BinOp(Box::new(balanced(terms)), BinaryOp::Comma, Box::new(balanced(right)))
        }
    }
}
