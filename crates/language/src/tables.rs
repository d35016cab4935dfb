//! The tables of a program under construction: expressions and schemas, each once, with the place it was first read at.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::{ExprIx, Expression, SchemaIx, TaskIx};
use provost_model::{Digest, Value};

use crate::finding::Place;
use crate::yaml::Node;

/// Where an expression was read.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) file: Arc<str>,
    pub(crate) at: Place,
    /// Whether a column inside the expression can be added to `at`.
    exact: bool,
}

impl Origin {
    /// The origin of the expression `source` that stands somewhere in the text of `node`.
    pub(crate) fn of(file: &Arc<str>, node: &Node, source: &str) -> Self {
        let file = file.clone();
        let lead = node.as_text().and_then(|text| Some(text.get(..text.find(source)?)?.chars().count() as u32));
        match (node.inset, lead) {
            (Some(inset), Some(lead)) if !source.contains('\n') => {
                let at = Place { line: node.at.line, column: node.at.column + inset + lead };
                Self { file, at, exact: true }
            }
            _ => Self { file, at: node.at, exact: false },
        }
    }

    /// An origin that is only a place.
    pub(crate) fn place(file: &Arc<str>, at: Place) -> Self {
        Self { file: file.clone(), at, exact: false }
    }

    /// The place of `column` (from 1) in line 1 of the expression.
    pub(crate) fn inside(&self, line: u32, column: u32) -> Place {
        match (self.exact, line) {
            (true, 1) => Place { line: self.at.line, column: self.at.column + column.saturating_sub(1) },
            _ => self.at,
        }
    }
}

/// Expressions and schemas with their indexes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) expressions: Vec<Expression>,
    pub(crate) expression_origins: Vec<Origin>,
    pub(crate) schemas: Vec<Value>,
    /// Whether what is read is the input of a call that leaves.
    pub(crate) leaves: bool,
    /// Expressions that name `$secrets` outside of such an input, with their places.
    pub(crate) kept: Vec<(ExprIx, Origin)>,
    /// The task that is being read; none: the document itself.
    pub(crate) owner: Option<TaskIx>,
    /// Where each task uses each expression.
    pub(crate) uses: BTreeMap<(Option<TaskIx>, ExprIx), Origin>,
    by_expression: BTreeMap<Expression, ExprIx>,
    by_schema: BTreeMap<Digest, SchemaIx>,
}

impl Tables {
    /// The index of an expression.
    pub(crate) fn expression(&mut self, source: &str, variables: &[Arc<str>], origin: Origin) -> ExprIx {
        let expression = Expression { source: source.into(), variables: variables.to_vec() };
        let known = self.by_expression.get(&expression).copied();
        let index = known.unwrap_or(ExprIx(self.expressions.len() as u32));
        if !self.leaves && source.contains("$secrets") {
            self.kept.push((index, origin.clone()));
        }
        self.uses.entry((self.owner, index)).or_insert_with(|| origin.clone());
        if known.is_some() {
            return index;
        }
        self.by_expression.insert(expression.clone(), index);
        self.expressions.push(expression);
        self.expression_origins.push(origin);
        index
    }

    /// The index of a schema.
    pub(crate) fn schema(&mut self, schema: &Value) -> SchemaIx {
        let digest = Digest::of_value(schema);
        if let Some(index) = self.by_schema.get(&digest) {
            return *index;
        }
        let index = SchemaIx(self.schemas.len() as u32);
        self.by_schema.insert(digest, index);
        self.schemas.push(schema.clone());
        index
    }
}
