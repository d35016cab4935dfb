//! Workflow documents: Open Workflow DSL 1.0.3 under Provost's profile, compiled to a program.
//!
//! What must stay true: whatever is not understood is a finding, never ignored; what is correct but cannot run yet is refused as
//! such; the same documents give the same program byte for byte. Each task kind reads its own keyword here and nowhere else.

mod authentication;
mod call;
mod document;
mod duration;
mod errors;
mod event;
mod extend;
mod foreign;
mod keys;
mod listen;
mod literals;
mod marks;
mod openapi;
mod plan;
mod protocol;
mod reads;
mod reconcile;
mod run;
mod schedule;
mod shape;
mod steer;
mod task;
mod template;
mod uses;

pub use errors::canonical_type;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::{ActionSpec, AgentSpec, FeatureSpec, InDoubt, RulesTable, SourceSpec, Task, TaskIx};
use provost_model::{Digest, Marks};

use crate::checks::Places;
use crate::contract::{Contract, ContractError};
use crate::finding::{Code, Log, Place};
use crate::library::Library;
use crate::tables::Tables;

pub(crate) use document::{Built, compile, heading};
pub(crate) use duration::{fixed_ms, retry_policy};
pub(crate) use marks::unknown_word;
pub(crate) use template::expression_text;

/// A program under construction.
pub(crate) struct Build<'a> {
    pub(crate) log: &'a Log,
    pub(crate) library: &'a Library,
    pub(crate) tables: Tables,
    uses: uses::Uses<'a>,
    tasks: Vec<Option<Task>>,
    pub(crate) agents: BTreeMap<Arc<str>, AgentSpec>,
    pub(crate) actions: BTreeMap<Arc<str>, ActionSpec>,
    pub(crate) rules: BTreeMap<Arc<str>, RulesTable>,
    sources: BTreeMap<Arc<str>, SourceSpec>,
    features: BTreeMap<Arc<str>, FeatureSpec>,
    /// Extra variables in scope, outermost first.
    scope: Vec<Arc<str>>,
    /// Names that `scope` of `compensate` and `cancel.compensate` refer to, checked at the end.
    scopes: Vec<(Arc<str>, Place)>,
    /// Business keys that are computed.
    keys: Vec<Place>,
    /// The names in `use.secrets`.
    secrets: Vec<(Arc<str>, Place)>,
    /// What values that are written out are held against, compiled once.
    contracts: RefCell<BTreeMap<Digest, Result<Contract, ContractError>>>,
    /// Whether all of `use` could be read, so that no other name is declared.
    uses_read: bool,
    /// Functions being expanded, to find cycles.
    expanding: Vec<Arc<str>>,
    in_doubt: InDoubt,
    /// What `use.catalogs` declares: name -> folder below `catalogs/`.
    catalogs: BTreeMap<Arc<str>, Arc<str>>,
    /// What `use.extensions` declares.
    extensions: Vec<extend::Extension>,
    /// What authors say about who may see places: of the input, and of what tasks return.
    marked: BTreeMap<TaskIx, Marks>,
    /// Where things stand, for the checks.
    pub(crate) places: Places,
}

impl<'a> Build<'a> {
    pub(crate) fn new(log: &'a Log, library: &'a Library) -> Self {
        Self {
            log,
            library,
            tables: Tables::default(),
            uses: uses::Uses::default(),
            tasks: Vec::new(),
            agents: BTreeMap::new(),
            actions: BTreeMap::new(),
            rules: BTreeMap::new(),
            sources: BTreeMap::new(),
            features: BTreeMap::new(),
            scope: Vec::new(),
            scopes: Vec::new(),
            keys: Vec::new(),
            secrets: Vec::new(),
            contracts: RefCell::default(),
            uses_read: true,
            expanding: Vec::new(),
            in_doubt: InDoubt::Wait,
            catalogs: BTreeMap::new(),
            extensions: Vec::new(),
            marked: BTreeMap::new(),
            places: Places::default(),
        }
    }

    /// A construct that is correct but not executable yet.
    fn not_yet(&self, at: Place, what: &str, reason: &str) {
        self.log.error_hint(Code::NotYet, at, format!("{what} cannot be executed yet"), reason);
    }

    /// A construct the profile refuses for good.
    fn refuse(&self, at: Place, what: &str, reason: &str) {
        self.log.error_hint(Code::Refused, at, format!("the profile refuses {what}"), reason);
    }

    /// Runs `inside` with more variables in scope.
    fn with_variables<T>(&mut self, names: &[Arc<str>], inside: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.scope.clone();
        for name in names {
            self.scope.retain(|known| known != name);
            self.scope.push(name.clone());
        }
        let result = inside(self);
        self.scope = outer;
        result
    }
}
