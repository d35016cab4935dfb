//! Judges a parsed expression before it may run: names, recursion, depth; and notes what it reads.
//!
//! What must stay true: the tree is judged, never the text, so that keys and contents of strings may be called anything; every construct
//! of jq is either walked here or refused. It does not check where secrets may stand (see `place_secrets`).

use std::collections::BTreeSet;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::Part;

use super::catalogue::{self, FUNCTIONS, GLOBALS};
use super::error::ExprErrorKind::{self, Function, Refused, Secret, TooLarge, Variable};
use super::secret::RESERVED;

/// Deepest nesting of an expression.
const TERM_DEPTH_MAX: usize = 128;
/// Nesting from which an expression runs on a stack of its own.
const SHALLOW: usize = 24;
/// Functions that recurse over the depth of values.
const DEEP: [&str; 12] =
    ["walk", "map_values", "getpath", "setpath", "delpaths", "del", "paths", "leaf_paths", "pick", "recurse", "path", "flatten"];

/// A parsed expression.
pub(crate) type Tree<'s> = Term<&'s str>;

/// What was found wrong, and where: a part of the source.
pub(super) struct Finding<'s> {
    pub(super) kind: ExprErrorKind,
    pub(super) at: &'s str,
    pub(super) detail: String,
    pub(super) hint: String,
}

/// What an expression reads and needs.
#[derive(Default)]
pub(super) struct Reads<'s> {
    /// Variables of the caller, with `$`, in order of first use.
    pub(super) variables: Vec<&'s str>,
    /// Keys read of `$context`.
    pub(super) context_keys: BTreeSet<String>,
    /// Whether `$context` is read as a whole.
    pub(super) whole_context: bool,
    /// Whether evaluating may need much stack.
    pub(super) deep: bool,
    /// Whether it can go on after a failure inside: by `try`, `?` or `//`.
    pub(super) forgives: bool,
}

struct Local<'s> {
    name: &'s str,
    arity: usize,
    /// Being defined: a call now would be recursion.
    open: bool,
    folds: bool,
}

/// Walks one expression.
pub(super) struct Walk<'s, 'n> {
    names: &'n [&'n str],
    variables: Vec<&'s str>,
    labels: Vec<&'s str>,
    locals: Vec<Local<'s>>,
    folds: bool,
    depth: usize,
    /// What it reads.
    pub(super) reads: Reads<'s>,
    /// What is wrong.
    pub(super) findings: Vec<Finding<'s>>,
}

impl<'s, 'n> Walk<'s, 'n> {
    pub(super) fn new(names: &'n [&'n str]) -> Self {
        let (variables, labels, locals, findings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { names, variables, labels, locals, folds: false, depth: 0, reads: Reads::default(), findings }
    }

    fn find(&mut self, kind: ExprErrorKind, at: &'s str, detail: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Finding { kind, at, detail: detail.into(), hint: hint.into() });
    }

    /// Walks `term`; `target`: it says what an update writes.
    pub(super) fn term(&mut self, term: &Tree<'s>, target: bool) {
        self.depth += 1;
        self.reads.deep |= self.depth > SHALLOW;
        if self.depth <= TERM_DEPTH_MAX {
            self.walk(term, target);
        } else if !self.findings.iter().any(|f| f.kind == TooLarge) {
            let hint = "split it over several `set` tasks";
            self.find(TooLarge, "", format!("expression nests deeper than {TERM_DEPTH_MAX} levels"), hint);
        }
        self.depth -= 1;
    }

    fn terms<'t>(&mut self, terms: impl IntoIterator<Item = &'t Tree<'s>>, target: bool)
    where
        's: 't,
    {
        terms.into_iter().for_each(|term| self.term(term, target));
    }

    fn walk(&mut self, term: &Tree<'s>, target: bool) {
        match term {
            Term::Id => {}
            Term::Recurse => self.reads.deep = true,
            Term::Num(digits) => self.number(digits),
            Term::Str(format, parts) => self.text(*format, parts),
            Term::Arr(inner) => self.terms(inner.as_deref(), false),
            Term::Obj(pairs) => {
                for (key, value) in pairs {
                    self.term(key, false);
                    self.terms(value, false);
                }
            }
            Term::Neg(inner) => self.term(inner, false),
            Term::BinOp(left, op, right) => self.operation(left, op, right, target),
            Term::Label(name, inner) => {
                self.labels.push(name);
                self.term(inner, target);
                self.labels.pop();
            }
            Term::Break(name) if self.labels.contains(name) => {}
            Term::Break(name) => {
                self.find(Variable, name, format!("unknown label `{name}`"), format!("write `label {name} | …` around it"))
            }
            Term::Fold(word, of, pattern, args) => self.fold(word, of, pattern, args, target),
            Term::TryCatch(body, catch) => {
                self.reads.forgives = true;
                self.term(body, target);
                self.terms(catch.as_deref(), target);
            }
            Term::IfThenElse(branches, otherwise) => {
                for (when, then) in branches {
                    self.term(when, false);
                    self.term(then, target);
                }
                self.terms(otherwise.as_deref(), target);
            }
            Term::Def(defs, inner) => self.define(defs, inner, target),
            Term::Call(name, args) => self.call(name, args, target),
            Term::Var(name) => self.variable(name, None),
            Term::Path(of, path) => self.path(of, &path.0, target),
        }
    }

    fn number(&mut self, digits: &&'s str) {
        let integer = digits.bytes().all(|b| b.is_ascii_digit());
        let fits = if integer { digits.parse::<i64>().is_ok() } else { digits.parse::<f64>().is_ok_and(f64::is_finite) };
        if !fits {
            self.find(ExprErrorKind::Syntax, digits, format!("number `{digits}` is out of range"), "integers must fit 64 bits");
        }
    }

    fn text(&mut self, format: Option<&'s str>, parts: &[StrPart<&'s str, Tree<'s>>]) {
        if let Some(format) = format {
            self.call(&format, &[], false);
        }
        for part in parts {
            let reserved = match part {
                StrPart::Str(text) => text.contains(RESERVED),
                StrPart::Char(c) => *c == RESERVED,
                StrPart::Term(inner) => {
                    self.term(inner, false);
                    false
                }
            };
            if reserved {
                self.find(Secret, "", "text holds a character that is reserved for secrets", "take U+FDD0 out of the text");
            }
        }
    }

    fn operation(&mut self, left: &Tree<'s>, op: &BinaryOp<&'s str>, right: &Tree<'s>, target: bool) {
        match op {
            BinaryOp::Pipe(Some(pattern)) => {
                self.term(left, false);
                self.bound(pattern, |walk| walk.term(right, target));
            }
            BinaryOp::Alt => {
                self.reads.forgives = true;
                self.terms([left, right], target);
            }
            BinaryOp::Pipe(None) | BinaryOp::Comma => self.terms([left, right], target),
            BinaryOp::Or | BinaryOp::And | BinaryOp::Math(_) | BinaryOp::Cmp(_) => self.terms([left, right], false),
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                self.reads.deep = true;
                self.reads.forgives |= matches!(op, BinaryOp::UpdateAlt);
                self.term(left, true);
                self.term(right, false);
            }
        }
    }

    /// Runs `inner` with the variables of `pattern`.
    fn bound(&mut self, pattern: &Pattern<&'s str>, inner: impl FnOnce(&mut Self)) {
        let before = self.variables.len();
        self.pattern(pattern);
        inner(self);
        self.variables.truncate(before);
    }

    fn pattern(&mut self, pattern: &Pattern<&'s str>) {
        match pattern {
            Pattern::Var(name) if *name == "$secrets" => {
                self.find(Secret, name, "`$secrets` cannot be bound anew", "choose another name");
            }
            Pattern::Var(name) => self.variables.push(name),
            Pattern::Arr(items) => items.iter().for_each(|item| self.pattern(item)),
            Pattern::Obj(pairs) => {
                for (key, inner) in pairs {
                    self.term(key, false);
                    self.pattern(inner);
                }
            }
        }
    }

    fn fold(&mut self, word: &&'s str, of: &Tree<'s>, pattern: &Pattern<&'s str>, args: &[Tree<'s>], target: bool) {
        self.folds = true;
        if target {
            let hint = "name the paths with `path(…)` first and use `reduce` around the update";
            self.find(Refused, word, format!("`{word}` cannot say what an update writes"), hint);
        }
        let fits = args.len() == 2 || (*word == "foreach" && args.len() == 3);
        if !fits {
            self.find(Function, word, format!("`{word}` does not take {} arguments", args.len()), "write `reduce f as $x (start; step)`");
        }
        self.term(of, false);
        let Some((start, rest)) = args.split_first() else { return };
        self.term(start, false);
        self.bound(pattern, |walk| walk.terms(rest, false));
    }

    fn define(&mut self, defs: &[Def<&'s str>], inner: &Tree<'s>, target: bool) {
        let before = self.locals.len();
        for def in defs {
            let outer = std::mem::replace(&mut self.folds, false);
            self.locals.push(Local { name: def.name, arity: def.args.len(), open: true, folds: true });
            let at = self.locals.len() - 1;
            let variables = self.variables.len();
            for arg in &def.args {
                if arg.starts_with('$') {
                    self.variables.push(arg);
                } else {
                    let hint = format!("take a value instead: `def {}(${arg}): …`", def.name);
                    self.find(Refused, arg, format!("`{arg}` is a filter; defined functions take values only"), hint);
                }
            }
            self.term(&def.body, target);
            self.variables.truncate(variables);
            if let Some(local) = self.locals.get_mut(at) {
                (local.open, local.folds) = (false, self.folds);
            }
            self.folds |= outer;
        }
        self.term(inner, target);
        self.locals.truncate(before);
    }

    fn call(&mut self, name: &&'s str, args: &[Tree<'s>], target: bool) {
        let arity = args.len();
        let local = self.locals.iter().rev().find(|local| local.name == *name && local.arity == arity);
        match local.map(|local| (local.open, local.folds)) {
            Some((true, _)) => {
                let hint = "walk values with `..`, `walk`, `reduce` or `paths`, which are bounded";
                self.find(Refused, name, format!("`{name}` calls itself"), hint);
            }
            Some((false, folds)) => {
                self.folds |= folds;
                if folds && target {
                    let hint = "name the paths with `path(…)` first and use `reduce` around the update";
                    self.find(Refused, name, format!("`{name}` folds and cannot say what an update writes"), hint);
                }
            }
            None => self.builtin(name, arity),
        }
        self.terms(args, target);
    }

    fn builtin(&mut self, name: &&'s str, arity: usize) {
        self.reads.deep |= DEEP.contains(name);
        let known = FUNCTIONS.iter().find(|(known, _)| known == name);
        if known.is_some_and(|(_, arities)| arities.contains(&arity)) {
            return;
        }
        if let Some((why, hint)) = catalogue::refused(name) {
            let shown = if arity == 0 { format!("`{name}`") } else { format!("`{name}` with {arity} arguments") };
            return self.find(Refused, name, format!("{shown} is refused: it {why}"), hint);
        }
        if let Some((_, arities)) = known {
            let takes = arities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            return self.find(
                Function,
                name,
                format!("`{name}` does not take {arity} arguments"),
                format!("it takes {takes}; separate them with `;`"),
            );
        }
        let names = FUNCTIONS.iter().map(|(name, _)| *name).chain(self.locals.iter().map(|local| local.name));
        let hint = match catalogue::nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("read a field with a dot (`.{name}`) or write text in quotes"),
        };
        self.find(Function, name, format!("unknown function `{name}`"), hint);
    }

    /// Notes a use of a variable, and of which key if it is `$context`.
    fn variable(&mut self, name: &&'s str, key: Option<&str>) {
        if self.variables.contains(name) {
            return;
        }
        let bare = name.strip_prefix('$').unwrap_or(name);
        if GLOBALS.contains(&bare) || self.names.contains(&bare) {
            if !self.reads.variables.contains(name) {
                self.reads.variables.push(name);
            }
            match key {
                Some(key) if bare == "context" => drop(self.reads.context_keys.insert(key.to_owned())),
                None if bare == "context" => self.reads.whole_context = true,
                Some(_) | None => {}
            }
            return;
        }
        if let Some((why, hint)) = catalogue::refused(name) {
            return self.find(Refused, name, format!("`{name}` is refused: it {why}"), hint);
        }
        let known = GLOBALS.iter().chain(self.names).copied().chain(self.variables.iter().map(|v| v.trim_start_matches('$')));
        let hint = match catalogue::nearest(bare, known) {
            Some(near) => format!("did you mean `${near}`?"),
            None if self.names.is_empty() => "bind it with `… as $name | …`, or read `$input` or `$context`".to_owned(),
            None => {
                let here: Vec<String> = self.names.iter().map(|name| format!("`${name}`")).collect();
                format!("known here beside `$input` and `$context`: {}", here.join(", "))
            }
        };
        self.find(Variable, name, format!("unknown variable `{name}`"), hint);
    }

    fn path(&mut self, of: &Tree<'s>, parts: &[(Part<Tree<'s>>, jaq_core::path::Opt)], target: bool) {
        match (of, parts.first()) {
            (Term::Var(name), Some((Part::Index(Term::Str(None, key)), _))) => match key.as_slice() {
                [StrPart::Str(key)] => self.variable(name, Some(key)),
                _ => self.variable(name, None),
            },
            _ => self.term(of, target),
        }
        for (part, opt) in parts {
            self.reads.forgives |= matches!(opt, jaq_core::path::Opt::Optional);
            match part {
                Part::Index(index) => self.term(index, false),
                Part::Range(from, to) => self.terms(from.iter().chain(to), false),
            }
        }
    }
}
