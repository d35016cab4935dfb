//! Contracts: JSON Schema 2020-12, compiled once, checked against our own values without conversion.
//!
//! What must stay true: a schema never leads outside itself (no remote `$ref`, no other draft), patterns run in linear time, a check takes
//! a counted number of steps at most, and the same value is judged the same everywhere. Formats are annotations, as the standard has it.

mod json;

use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use provost_model::program::SchemaIx;
use provost_model::{Program, Value};

use json::{OurValue, Whole, counted};

/// Largest schema, in bytes of canonical JSON.
pub const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// Most violations reported for one value.
pub const VIOLATIONS_MAX: usize = 20;
/// Most patterns of one schema.
pub const PATTERNS_MAX: usize = 200;
/// Most looks at values that one check takes; a value that needs more does not obey.
pub const STEPS_MAX: u64 = 4_000_000;
/// Most looks at values that are taken to say where a value breaks its contract.
const EXPLAIN_STEPS_MAX: u64 = 50_000;
/// The one dialect.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Why a schema is no contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// It is too large.
    #[error("the schema has {0} bytes, which is more than {SCHEMA_BYTES_MAX}")]
    TooLarge(usize),
    /// It is neither an object nor a boolean.
    #[error("a schema must be an object or a boolean, not {0}")]
    NotASchema(&'static str),
    /// It is written for another draft.
    #[error("the schema is written for `{0}`")]
    Dialect(String),
    /// It points outside itself.
    #[error("`$ref` `{reference}` at `{pointer}` points outside the schema")]
    Remote {
        /// Where.
        pointer: String,
        /// To what.
        reference: String,
    },
    /// It is not valid.
    #[error("the schema is not valid at `{pointer}`: {detail}")]
    Invalid {
        /// Where.
        pointer: String,
        /// Why.
        detail: String,
    },
}

impl ContractError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "schema-too-large",
            Self::NotASchema(_) | Self::Invalid { .. } => "schema-invalid",
            Self::Dialect(_) => "schema-dialect",
            Self::Remote { .. } => "schema-remote",
        }
    }

    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge(_) => "split the contract".to_owned(),
            Self::NotASchema(_) => "write e.g. `{ type: object }`".to_owned(),
            Self::Dialect(_) => format!("write it for `{DIALECT}`"),
            Self::Remote { .. } => "copy the other schema into `$defs` and refer to `#/$defs/name`".to_owned(),
            Self::Invalid { .. } => "see JSON Schema 2020-12".to_owned(),
        }
    }
}

/// What is wrong with a `type` that is none: what the validator says of it helps nobody.
fn no_type(schema: &Value, pointer: &str) -> Option<String> {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    let word = provost_model::value::lookup(schema, pointer)?.as_str().filter(|_| pointer.ends_with("/type"))?;
    let near =
        crate::nearest::nearest(word, &TYPES).map(|near| format!("; did you mean `{}`?", near.word)).unwrap_or_else(|| ".".to_owned());
    Some(cut(&format!("`{word}` is no type{near} The types are {}", crate::finding::listed(&TYPES))))
}

/// One place where a value breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer into the value.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at `{}`", self.message, self.pointer)
    }
}

/// A compiled schema.
#[derive(Clone)]
pub struct Contract {
    validator: Arc<Validator<OurValue>>,
}

impl std::fmt::Debug for Contract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contract").finish_non_exhaustive()
    }
}

impl Contract {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`ContractError`] if it is no JSON Schema 2020-12, too large, or leads elsewhere.
    pub fn compile(schema: &Value) -> Result<Self, ContractError> {
        let bytes = provost_model::value::canonical_len(schema);
        if bytes > SCHEMA_BYTES_MAX {
            return Err(ContractError::TooLarge(bytes));
        }
        if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
            return Err(ContractError::NotASchema(schema.kind()));
        }
        local(schema, &mut String::new())?;
        if patterns(schema) > PATTERNS_MAX {
            let detail = format!("it has more than {PATTERNS_MAX} patterns");
            return Err(ContractError::Invalid { pointer: String::new(), detail });
        }
        let json = json::to_json(schema);
        let build = jsonschema::options_for::<OurValue>()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20))
            .offline()
            .build(&json);
        match build {
            Ok(validator) => Ok(Self { validator: Arc::new(validator) }),
            Err(error) => {
                let pointer = error.instance_path().to_string();
                let detail = no_type(schema, &pointer).unwrap_or_else(|| cut(&error.to_string()));
                Err(ContractError::Invalid { pointer, detail })
            }
        }
    }

    /// Whether `value` obeys.
    pub fn allows(&self, value: &Value) -> bool {
        self.judge(value) == Some(true)
    }

    /// `None` where [`STEPS_MAX`] do not suffice.
    fn judge(&self, value: &Value) -> Option<bool> {
        counted(STEPS_MAX, || self.validator.is_valid(Whole(value)))
    }

    /// Every place where `value` breaks the contract, up to [`VIOLATIONS_MAX`]; none: it obeys.
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        match self.judge(value) {
            Some(true) => return Vec::new(),
            Some(false) => {}
            None => return vec![unknown_place(format!("checking the value takes more than {STEPS_MAX} steps"))],
        }
        let told = counted(EXPLAIN_STEPS_MAX, || {
            let errors = self.validator.iter_errors(Whole(value)).take(VIOLATIONS_MAX);
            let violation = |error: jsonschema::ValidationError<'_>| {
                let (pointer, message) = (error.instance_path().to_string(), cut(&error.to_string()));
                Violation { pointer, message }
            };
            errors.map(violation).collect()
        });
        told.unwrap_or_else(|| vec![unknown_place("the value breaks the contract in too many ways to tell them".to_owned())])
    }
}

fn unknown_place(message: String) -> Violation {
    Violation { pointer: String::new(), message }
}

/// How many patterns a schema may hold: what only looks like one counts too.
fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(map) => {
            let own = |(key, member): (&Arc<str>, &Value)| match (&**key, member) {
                ("pattern", Value::Str(_)) => 1,
                ("patternProperties", Value::Object(named)) => named.len() + patterns(member),
                (_, member) => patterns(member),
            };
            map.iter().map(own).sum()
        }
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => 0,
    }
}

/// Messages quote the value; they must not carry a whole payload.
fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

/// References stay inside, and the dialect is ours.
fn local(value: &Value, pointer: &mut String) -> Result<(), ContractError> {
    match value {
        Value::Object(map) => {
            for (key, member) in map.iter() {
                if let (true, Value::Str(target)) = (matches!(&**key, "$ref" | "$dynamicRef"), member)
                    && !target.starts_with('#')
                {
                    return Err(ContractError::Remote { pointer: pointer.clone(), reference: cut(target) });
                }
                if let ("$schema", Value::Str(dialect)) = (&**key, member)
                    && dialect.trim_end_matches('#') != DIALECT
                {
                    return Err(ContractError::Dialect(cut(dialect)));
                }
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                local(member, pointer)?;
                pointer.truncate(length);
            }
            Ok(())
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let length = pointer.len();
                pointer.push_str(&format!("/{at}"));
                local(item, pointer)?;
                pointer.truncate(length);
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => Ok(()),
    }
}

/// The compiled schemas of a program.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    compiled: Vec<Contract>,
}

impl Contracts {
    /// Compiles every schema of a program.
    ///
    /// # Errors
    /// [`ContractError`] of the first schema that does not compile.
    pub fn compile(program: &Program) -> Result<Self, ContractError> {
        let compiled = program.schemas.iter().map(Contract::compile).collect::<Result<_, _>>()?;
        Ok(Self { compiled })
    }

    /// The contract at `index`; a foreign index is `None`.
    pub fn contract(&self, index: SchemaIx) -> Option<&Contract> {
        self.compiled.get(index.0 as usize)
    }

    /// Where `value` breaks the schema at `index`; none: it obeys. A foreign index allows nothing.
    pub fn validate(&self, index: SchemaIx, value: &Value) -> Vec<Violation> {
        match self.contract(index) {
            Some(contract) => contract.violations(value),
            None => vec![Violation { pointer: String::new(), message: format!("there is no schema {} in this program", index.0) }],
        }
    }
}
