//! Values that are written out where a contract says what they must be: what breaks it is said before anything runs.
//!
//! What must stay true: only what no expression can mend is said. What an expression gives is unknown, and so is everything around it.

use std::sync::Arc;

use provost_model::program::{SchemaIx, Template};
use provost_model::{Digest, Value};

use super::Build;
use crate::contract::{Contract, ContractError};
use crate::finding::Code;
use crate::yaml::Node;

/// Words by which what one member is decides what another must be.
const ENTANGLES: [&str; 3] = ["if", "dependentSchemas", "dependencies"];

impl Build<'_> {
    /// What is written out in `template`, which stands at `node`, against the contract of `what`.
    pub(super) fn written_out(&self, node: &Node, template: &Template, contract: Option<SchemaIx>, what: &str) {
        let schema = contract.and_then(|index| self.tables.schemas.get(index.0 as usize));
        if let Some(schema) = schema {
            self.against(node, template, schema, what);
        }
    }

    /// A schema, compiled once however often it is asked for.
    pub(super) fn compiled(&self, schema: &Value) -> Result<Contract, ContractError> {
        let mut known = self.contracts.borrow_mut();
        known.entry(Digest::of_value(schema)).or_insert_with(|| Contract::compile(schema)).clone()
    }

    /// As [`Self::written_out`], for a schema; whether nothing is wrong.
    pub(super) fn against(&self, node: &Node, template: &Template, schema: &Value, what: &str) -> bool {
        let mut unknown = Vec::new();
        let value = known(template, &mut String::new(), &mut unknown);
        let whole = unknown.iter().any(String::is_empty);
        if whole || (!unknown.is_empty() && entangled(schema)) {
            return true;
        }
        let Ok(contract) = self.compiled(schema) else { return true };
        let mut right = true;
        for found in contract.violations(&value) {
            let open = |at: &String| at.strip_prefix(found.pointer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if unknown.iter().any(open) {
                continue;
            }
            right = false;
            let at = node.place(&found.pointer);
            self.log.error_hint(Code::WrongValue, at, format!("{what}: {}", found.message), hint(&found.pointer));
        }
        right
    }
}

fn hint(pointer: &str) -> String {
    match pointer {
        "" => "mend what is written here, or its contract".to_owned(),
        pointer => format!("mend `{pointer}`, or what its contract says of it"),
    }
}

/// The value as far as it is written out, null where it is not, and the places where it is not.
fn known(template: &Template, at: &mut String, unknown: &mut Vec<String>) -> Value {
    let mut inner = |key: &str, member: &Template, unknown: &mut Vec<String>| {
        let length = at.len();
        at.push('/');
        at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let value = known(member, at, unknown);
        at.truncate(length);
        value
    };
    match template {
        Template::Literal(value) => value.clone(),
        Template::Expression(_) => {
            unknown.push(at.clone());
            Value::Null
        }
        Template::Array(items) => {
            let items: Vec<Value> = items.iter().enumerate().map(|(nth, item)| inner(&nth.to_string(), item, unknown)).collect();
            Value::array(items)
        }
        Template::Object(members) => {
            let members: Vec<(Arc<str>, Value)> = members.iter().map(|(key, member)| (key.clone(), inner(key, member, unknown))).collect();
            Value::object(members)
        }
    }
}

fn entangled(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, member)| ENTANGLES.contains(&&**key) || entangled(member)),
        Value::Array(items) => items.iter().any(entangled),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => false,
    }
}
