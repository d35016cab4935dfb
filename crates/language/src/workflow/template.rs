//! Expressions, and values with expressions in them. Strict mode: in a value, only a whole text `${ … }` is evaluated.

use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{ExprIx, Template};

use super::Build;
use crate::fields;
use crate::finding::Code;
use crate::tables::Origin;
use crate::yaml::{Kind, Node};

/// The inside of `${ … }`, if the whole text is one.
pub(crate) fn expression_text(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("${")?.strip_suffix('}')?.trim();
    (!inside.is_empty()).then_some(inside)
}

impl Build<'_> {
    /// A place that only takes expressions (`if when while in`): bare, or in `${ }`.
    pub(super) fn condition(&mut self, node: &Node, what: &str) -> Option<ExprIx> {
        let text = match &node.kind {
            // `when: true` is what people write; the schema wants text.
            Kind::Scalar(Value::Bool(_)) => {
                let hint = "put it in quotes: an expression is text";
                self.log.error_hint(Code::WrongType, node.at, format!("`{what}` must be an expression, not true or false"), hint);
                return None;
            }
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => fields::text(node, what, self.log)?,
        };
        self.expression(&text, what, node)
    }

    /// The expression `text`, bare or in `${ }`, of `node`.
    pub(super) fn expression(&mut self, text: &str, what: &str, node: &Node) -> Option<ExprIx> {
        let source = expression_text(text).unwrap_or(text.trim());
        if source.is_empty() || (source.starts_with("${") && source.trim_start_matches("${").trim_end_matches('}').trim().is_empty()) {
            self.log.error(Code::Expression, node.at, format!("the expression of `{what}` is empty"));
            return None;
        }
        let origin = Origin::of(self.log.file(), node, source);
        Some(self.tables.expression(source, &self.scope, origin))
    }

    /// `from` and `as`: an expression as text, or an object of templates.
    pub(super) fn transform(&mut self, node: &Node, what: &str) -> Option<Template> {
        match &node.kind {
            Kind::Scalar(Value::Str(text)) => self.expression(text, what, node).map(Template::Expression),
            Kind::Map(_) => Some(self.template(node)),
            Kind::Scalar(_) | Kind::List(_) => {
                fields::wrong_type(node, what, "an expression or a mapping", self.log);
                None
            }
        }
    }

    /// A value as authored: whole texts `${ … }` are expressions, all else is literal.
    pub(super) fn template(&mut self, node: &Node) -> Template {
        match &node.kind {
            Kind::Scalar(Value::Str(text)) => self.text_template(text, node),
            Kind::Scalar(value) => Template::Literal(value.clone()),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.template(item)).collect();
                match items.iter().map(literal).collect::<Option<Vec<_>>>() {
                    Some(values) => Template::Literal(Value::array(values)),
                    None => Template::Array(items),
                }
            }
            Kind::Map(entries) => {
                let members: Vec<_> = entries.iter().map(|entry| (entry.key.clone(), self.template(&entry.value))).collect();
                object(members)
            }
        }
    }

    /// A URI with variables (`https://host/{name}`), filled from the task's input, as one expression; `None` where it has none. What has
    /// no value is left out.
    pub(super) fn uri_template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let text = node.as_text().filter(|text| text.contains('{') && expression_text(text).is_none())?;
        let (mut rest, mut parts) = (&**text, Vec::new());
        while let Some(at) = rest.find('{') {
            let name = self.placeholders(rest, node)?.into_iter().next()?;
            let (before, after) = rest.split_at(at);
            parts.push(Value::from(before).to_string());
            let wrong = Value::from(format!("a list or mapping cannot fill `{{{name}}}`"));
            let filled = format!("if . == null then \"\" elif [scalars] != [] then @uri else error({wrong}) end");
            parts.push(format!("(.[{}] | {filled})", Value::from(&*name)));
            rest = after.get(name.len() + 2..).unwrap_or_default();
        }
        parts.push(Value::from(rest).to_string());
        self.expression(&parts.join(" + "), what, node).map(Template::Expression)
    }

    fn text_template(&mut self, text: &Arc<str>, node: &Node) -> Template {
        if let Some(source) = expression_text(text) {
            let origin = Origin::of(self.log.file(), node, source);
            return Template::Expression(self.tables.expression(source, &self.scope, origin));
        }
        if text.contains("${") {
            let hint = "write the whole text as one expression: ${ \"text \\(.member)\" }";
            self.log.warn(Code::NotEvaluated, node.at, "this text holds `${` but is taken as it stands", hint);
        }
        Template::Literal(Value::Str(text.clone()))
    }
}

/// An object template; a literal one becomes a plain value.
pub(super) fn object(members: Vec<(Arc<str>, Template)>) -> Template {
    match members.iter().map(|(key, member)| Some((key.clone(), literal(member)?))).collect::<Option<Vec<_>>>() {
        Some(pairs) => Template::Literal(Value::object(pairs)),
        None => Template::Object(members),
    }
}

fn literal(template: &Template) -> Option<Value> {
    match template {
        Template::Literal(value) => Some(value.clone()),
        Template::Expression(_) | Template::Array(_) | Template::Object(_) => None,
    }
}
