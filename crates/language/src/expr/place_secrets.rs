//! Where secrets may stand: only where nothing in the expression looks at them.
//!
//! What must stay true: from each `$secrets.name` up to the result there is nothing but `+`, plain string interpolation, values of objects,
//! the right side of `|`, and branches of `if`. Everything else is refused, also where it would be harmless.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::Part;

use super::check::{Finding, Tree};
use super::error::ExprErrorKind::Secret;

/// Collects the names of the secrets in `term` and the places where one may not stand. `open`: this is on the way to the result.
pub(super) fn place_secrets<'s>(term: &Tree<'s>, open: bool, names: &mut Vec<String>, findings: &mut Vec<Finding<'s>>) {
    if let Some((at, name)) = named(term) {
        if !open {
            findings.push(refuse(at, format!("secret `{name}` would be looked at here")));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        return;
    }
    if let Term::Var(at) = term
        && *at == "$secrets"
    {
        return findings.push(refuse(at, "`$secrets` cannot be read as a whole".to_owned()));
    }
    for (inner, still_open) in parts(term) {
        place_secrets(inner, open && still_open, names, findings);
    }
}

fn refuse(at: &str, detail: String) -> Finding<'_> {
    let hint = "use `$secrets.name` only as a value, joined with `+` or inside \"…\\(…)…\"".to_owned();
    Finding { kind: Secret, at, detail, hint }
}

/// `$secrets.name`
fn named<'s>(term: &Tree<'s>) -> Option<(&'s str, &'s str)> {
    let Term::Path(of, path) = term else { return None };
    match (&**of, path.0.as_slice()) {
        (Term::Var(at), [(Part::Index(Term::Str(None, key)), _)]) if *at == "$secrets" => match key.as_slice() {
            [StrPart::Str(name)] => Some((at, name)),
            _ => None,
        },
        _ => None,
    }
}

/// The terms directly inside `term`, with whether they are handed on unseen.
fn parts<'t, 's>(term: &'t Tree<'s>) -> Vec<(&'t Tree<'s>, bool)> {
    let seen = |term: &'t Tree<'s>| (term, false);
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => Vec::new(),
        Term::Str(format, parts) => {
            let inner = parts.iter().filter_map(|part| if let StrPart::Term(inner) = part { Some(inner) } else { None });
            inner.map(|inner| (inner, format.is_none())).collect()
        }
        Term::Arr(inner) => inner.as_deref().into_iter().map(seen).collect(),
        Term::Obj(pairs) => {
            pairs.iter().flat_map(|(key, value)| [(key, false)].into_iter().chain(value.iter().map(|v| (v, true)))).collect()
        }
        Term::Neg(inner) | Term::Label(_, inner) => vec![seen(inner)],
        Term::BinOp(left, BinaryOp::Math(Math::Add), right) => vec![(left, true), (right, true)],
        Term::BinOp(left, BinaryOp::Pipe(pattern), right) => {
            let mut parts = vec![seen(left), (right, true)];
            parts.extend(pattern.iter().flat_map(keys).map(seen));
            parts
        }
        Term::BinOp(left, _, right) => vec![seen(left), seen(right)],
        Term::Fold(_, of, pattern, args) => [&**of].into_iter().chain(args).chain(keys(pattern)).map(seen).collect(),
        Term::TryCatch(body, catch) => [&**body].into_iter().chain(catch.as_deref()).map(seen).collect(),
        Term::IfThenElse(branches, otherwise) => {
            let pairs = branches.iter().flat_map(|(when, then)| [(when, false), (then, true)]);
            pairs.chain(otherwise.as_deref().map(|term| (term, true))).collect()
        }
        Term::Def(defs, inner) => defs.iter().map(|def| seen(&def.body)).chain([(&**inner, true)]).collect(),
        Term::Call(_, args) => args.iter().map(seen).collect(),
        Term::Path(of, path) => {
            let indices = path.0.iter().flat_map(|(part, _)| match part {
                Part::Index(index) => vec![index],
                Part::Range(from, to) => from.iter().chain(to).collect(),
            });
            [&**of].into_iter().chain(indices).map(seen).collect()
        }
    }
}

fn keys<'t, 's>(pattern: &'t Pattern<&'s str>) -> Vec<&'t Tree<'s>> {
    match pattern {
        Pattern::Var(_) => Vec::new(),
        Pattern::Arr(items) => items.iter().flat_map(keys).collect(),
        Pattern::Obj(pairs) => pairs.iter().flat_map(|(key, inner)| [key].into_iter().chain(keys(inner))).collect(),
    }
}
