//! What an expression may come to, and which fields it reads that are certainly absent.
//!
//! What must stay true: a construct that is not followed comes to anything. Where the author says that a field may be absent (`//`, `?`,
//! `try`, a comparison with null, a guard that asks a function), nothing is reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part};

use super::known::{Field, Known, Makes};
use crate::expr::Tree;

/// A field that is read.
#[derive(Debug)]
pub(super) struct Read<'s> {
    /// Where, as a part of the source.
    pub(super) at: &'s str,
    pub(super) what: What,
}

/// What is remarkable about it.
#[derive(Debug)]
pub(super) enum What {
    /// Nothing provides it; these fields there are.
    Absent(Vec<Arc<str>>),
    /// It is a field of an answer without a contract.
    Unpromised(Arc<str>),
}

/// Reads one expression.
pub(super) struct Reader<'r, 's> {
    makes: &'r Makes,
    variables: Vec<(&'s str, Arc<Known>)>,
    /// Above zero: what is absent is meant to be.
    quiet: u32,
    pub(super) found: Vec<Read<'s>>,
}

impl<'r, 's> Reader<'r, 's> {
    /// A reader that knows these variables, without `$`; the last of a name counts.
    pub(super) fn new(makes: &'r Makes, variables: Vec<(&'s str, Arc<Known>)>) -> Self {
        Self { makes, variables, quiet: 0, found: Vec::new() }
    }

    fn quietly(&mut self, inner: impl FnOnce(&mut Self) -> Arc<Known>) -> Arc<Known> {
        self.quiet += 1;
        let known = inner(self);
        self.quiet -= 1;
        known
    }

    /// What `term` comes to on `input`.
    pub(super) fn term(&mut self, term: &Tree<'s>, input: &Arc<Known>) -> Arc<Known> {
        match term {
            Term::Id => input.clone(),
            Term::Num(_) => self.makes.flat(),
            Term::Str(_, parts) => {
                for part in parts {
                    if let StrPart::Term(inner) = part {
                        self.term(inner, input);
                    }
                }
                self.makes.flat()
            }
            Term::Arr(None) => self.makes.places(Vec::new()),
            Term::Arr(Some(inner)) => self.list(inner, input),
            Term::Obj(pairs) => self.object(pairs, input),
            Term::Neg(inner) => {
                self.term(inner, input);
                self.makes.flat()
            }
            Term::BinOp(left, op, right) => self.operation(left, op, right, input),
            Term::TryCatch(body, catch) => self.quietly(|reader| {
                let body = reader.term(body, input);
                let anything = reader.makes.anything();
                let catch = catch.as_ref().map_or_else(|| reader.makes.flat(), |catch| reader.term(catch, &anything));
                reader.makes.join(&body, &catch)
            }),
            Term::IfThenElse(branches, otherwise) => self.branches(branches, otherwise.as_deref(), input),
            Term::Call(name, args) => self.call(name, args, input),
            Term::Var(name) => self.variable(name),
            Term::Path(of, path) => self.path(of, &path.0, input),
            Term::Recurse | Term::Label(..) | Term::Break(_) | Term::Fold(..) | Term::Def(..) => self.makes.anything(),
        }
    }

    fn list(&mut self, inner: &Tree<'s>, input: &Arc<Known>) -> Arc<Known> {
        let mut items = vec![inner];
        let mut places = Vec::new();
        while let Some(item) = items.pop() {
            match item {
                Term::BinOp(left, BinaryOp::Comma, right) => items.extend([&**right, &**left]),
                one => places.push((self.term(one, input), is_single(one))),
            }
        }
        if places.iter().all(|(_, single)| *single) {
            return self.makes.places(places.into_iter().map(|(known, _)| known).collect());
        }
        let item = places.iter().fold(self.makes.flat(), |joined, (known, _)| self.makes.join(&joined, known));
        self.makes.items(item, false)
    }

    fn object(&mut self, pairs: &[(Tree<'s>, Option<Tree<'s>>)], input: &Arc<Known>) -> Arc<Known> {
        let (mut fields, mut open) = (BTreeMap::new(), false);
        for (key, value) in pairs {
            let known = match (key, value) {
                (_, Some(value)) => self.term(value, input),
                (Term::Var(name), None) => self.variable(name),
                (_, None) => literal(key).map_or_else(|| self.makes.anything(), |name| self.field(input, name, false)),
            };
            let name = match (key, value) {
                (Term::Var(name), None) => Some(name.trim_start_matches('$')),
                (_, _) => literal(key),
            };
            match name {
                Some(name) => drop(fields.insert(name.into(), known)),
                None => {
                    self.term(key, input);
                    open = true;
                }
            }
        }
        self.makes.object(fields, open)
    }

    fn operation(&mut self, left: &Tree<'s>, op: &BinaryOp<&'s str>, right: &Tree<'s>, input: &Arc<Known>) -> Arc<Known> {
        match op {
            BinaryOp::Pipe(None) => {
                let left = self.term(left, input);
                self.term(right, &left)
            }
            BinaryOp::Pipe(Some(pattern)) => self.bound(left, pattern, right, input),
            BinaryOp::Comma | BinaryOp::Math(Math::Add | Math::Mul) => {
                let (left, right) = (self.term(left, input), self.term(right, input));
                let joined = self.makes.join(&left, &right);
                match &joined.array {
                    Some(array) if !joined.any => {
                        self.makes.join(&self.makes.items(array.item.clone(), array.bounded), &without_array(&joined))
                    }
                    Some(_) | None => joined,
                }
            }
            BinaryOp::Alt => {
                let left = self.quietly(|reader| reader.term(left, input));
                let right = self.term(right, input);
                self.makes.join(&left, &right)
            }
            BinaryOp::Cmp(_) if is_null(left) || is_null(right) => {
                self.quietly(|reader| {
                    reader.term(left, input);
                    reader.term(right, input)
                });
                self.makes.flat()
            }
            BinaryOp::Cmp(_) | BinaryOp::And | BinaryOp::Or => {
                self.term(left, input);
                self.term(right, input);
                self.makes.flat()
            }
            BinaryOp::Math(_) => {
                self.term(left, input);
                self.term(right, input);
                self.makes.anything()
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => self.makes.anything(),
        }
    }

    fn bound(&mut self, left: &Tree<'s>, pattern: &Pattern<&'s str>, right: &Tree<'s>, input: &Arc<Known>) -> Arc<Known> {
        let left = self.term(left, input);
        let before = self.variables.len();
        match pattern {
            Pattern::Var(name) => self.variables.push((name.trim_start_matches('$'), left)),
            // Taken apart: nothing is known of the pieces.
            Pattern::Arr(_) | Pattern::Obj(_) => return self.makes.anything(),
        }
        let known = self.term(right, input);
        self.variables.truncate(before);
        known
    }

    fn branches(&mut self, branches: &[(Tree<'s>, Tree<'s>)], otherwise: Option<&Tree<'s>>, input: &Arc<Known>) -> Arc<Known> {
        let guarded = branches.iter().any(|(when, _)| asks(when));
        let mut joined = self.makes.flat();
        let mut quiet = 0;
        for (when, then) in branches {
            self.term(when, input);
            quiet += u32::from(guarded && quiet == 0);
            self.quiet += quiet;
            let then = self.term(then, input);
            self.quiet -= quiet;
            joined = self.makes.join(&joined, &then);
        }
        self.quiet += quiet;
        let otherwise = otherwise.map_or_else(|| input.clone(), |term| self.term(term, input));
        self.quiet -= quiet;
        self.makes.join(&joined, &otherwise)
    }

    fn call(&mut self, name: &str, args: &[Tree<'s>], input: &Arc<Known>) -> Arc<Known> {
        match (name, args) {
            ("null" | "true" | "false" | "not" | "length" | "type" | "tostring" | "tonumber" | "empty" | "keys_unsorted", []) => {
                self.makes.flat()
            }
            ("ascii_downcase" | "ascii_upcase" | "tojson" | "utf8bytelength", []) => self.makes.flat(),
            ("select", [condition]) => {
                self.term(condition, input);
                input.clone()
            }
            ("map", [each]) => {
                let child = self.makes.children(input);
                let item = self.term(each, &child);
                self.makes.items(item, input.is_bounded())
            }
            ("first" | "last", []) => self.makes.children(input),
            ("test" | "startswith" | "endswith" | "has" | "contains" | "error", args) => {
                args.iter().for_each(|arg| drop(self.term(arg, input)));
                self.makes.flat()
            }
            (_, _) => self.makes.anything(),
        }
    }

    fn variable(&self, name: &str) -> Arc<Known> {
        let bare = name.trim_start_matches('$');
        let found = self.variables.iter().rev().find(|(known, _)| *known == bare);
        found.map_or_else(|| self.makes.anything(), |(_, known)| known.clone())
    }

    fn path(&mut self, of: &Tree<'s>, parts: &[(Part<Tree<'s>>, Opt)], input: &Arc<Known>) -> Arc<Known> {
        let mut at = self.term(of, input);
        for (part, opt) in parts {
            let optional = matches!(opt, Opt::Optional);
            at = match part {
                Part::Index(index) => match (literal(index), index) {
                    (Some(name), _) => self.field(&at, name, optional),
                    (None, Term::Num(digits)) => self.place(&at, digits),
                    (None, _) => {
                        self.term(index, input);
                        self.makes.anything()
                    }
                },
                Part::Range(None, None) => self.makes.children(&at),
                Part::Range(_, _) => {
                    let bounded = matches!(part, Part::Range(_, Some(_))) || at.is_bounded();
                    self.makes.items(self.makes.children(&at), bounded)
                }
            };
        }
        at
    }

    fn place(&self, of: &Arc<Known>, digits: &str) -> Arc<Known> {
        let Some(array) = of.array.as_ref().filter(|_| !of.any) else { return self.makes.anything() };
        let place = digits.parse::<usize>().ok();
        let known = array.places.as_ref().and_then(|places| places.get(place?));
        known.unwrap_or(&array.item).clone()
    }

    fn field(&mut self, of: &Arc<Known>, name: &'s str, optional: bool) -> Arc<Known> {
        let loud = self.quiet == 0 && !optional;
        match of.field(name) {
            Field::Known(known) => known,
            Field::Unknown => {
                if let Some(answer) = of.from.as_ref().filter(|_| loud) {
                    self.found.push(Read { at: name, what: What::Unpromised(answer.clone()) });
                }
                self.makes.anything()
            }
            Field::Absent(fields) => {
                if loud {
                    self.found.push(Read { at: name, what: What::Absent(fields) });
                }
                self.makes.anything()
            }
        }
    }
}

fn without_array(known: &Known) -> Arc<Known> {
    Arc::new(Known { array: None, ..known.clone() })
}

/// The text of a plain key.
fn literal<'s>(term: &Tree<'s>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a term has one result for each input.
fn is_single(term: &Tree<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Str(..) | Term::Obj(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Path(of, path) => is_single(of) && path.0.iter().all(|(part, _)| !matches!(part, Part::Range(None, None))),
        _ => false,
    }
}

fn is_null(term: &Tree<'_>) -> bool {
    matches!(term, Term::Call("null", _))
}

/// Whether a condition asks a function about a value, as `has` and `type` do.
fn asks(term: &Tree<'_>) -> bool {
    match term {
        Term::Call(_, _) => true,
        Term::BinOp(left, _, right) => asks(left) || asks(right),
        Term::Path(of, _) => asks(of),
        _ => false,
    }
}
