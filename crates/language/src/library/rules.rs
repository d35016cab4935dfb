//! Rules tables: YAML with an expression per row, or CSV with a condition per cell.
//!
//! A CSV table begins with lines `# version: 1.0.0`, `# hit: first` and perhaps `# otherwise: {…}`. Its header names what is compared
//! (`.amount`, a jq path on the input) and, after `=`, what is answered (`= choice`). A cell is empty or `-` (any), a comparison
//! (`<= 5000`, `!= "x"`), or a value. A column `id` names rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::program::{HitPolicy, RulesRow, RulesTable};
use provost_model::{Digest, Value};

use super::{Named, named};
use crate::fields::fields;
use crate::finding::{Code, Log, Place};
use crate::names::check_seen;
use crate::tables::{Origin, Tables};
use crate::workflow::expression_text;
use crate::yaml::{Node, load, shown};

/// Most rows of a table.
const ROWS_MAX: usize = 10_000;

/// A table as read; conditions are still sources.
#[derive(Debug)]
pub(crate) struct Table {
    spec: RulesTable,
    conditions: Vec<Option<(Arc<str>, Origin)>>,
}

/// Reads a table in YAML.
pub(crate) fn read_yaml(bytes: &[u8], stem: &str, log: &Log) -> Option<(Named, Table)> {
    let node = load(bytes, 1, log)?;
    let top = fields(&node, "a rules table", &["name", "version", "description", "hit", "rows", "otherwise"], log)?;
    top.text("description", log);
    let named = named(&top, stem, log)?;
    let hit = top.word("hit", &["unique", "first", "collect"], log).map_or(HitPolicy::Unique, |word| hit_policy(&word));
    top.need("rows", log);
    let rows = top.list("rows", log)?;
    let mut table = Builder::new(log);
    for node in rows {
        let Some(row) = fields(node, "a row", &["id", "when", "then"], log) else { continue };
        let condition = row.text("when", log).map(|text| {
            let source: Arc<str> = expression_text(&text).unwrap_or(&text).into();
            let origin = row.find("when").map(|node| Origin::of(log.file(), node, &source));
            let origin = origin.unwrap_or_else(|| Origin::place(log.file(), row.at));
            (source, origin)
        });
        let id = row.find("id").map(|node| node.as_text().cloned().unwrap_or_else(|| node.to_value().to_string().into()));
        if let Some(then) = row.need("then", log) {
            table.row(id, condition, then.to_value(), row.at);
        }
    }
    let otherwise = top.find("otherwise").map(Node::to_value);
    let spec = table.finish(&named, Digest::of(bytes), hit, otherwise)?;
    Some((named, spec))
}

/// Reads a table in CSV (RFC 4180).
pub(crate) fn read_csv(bytes: &[u8], stem: &str, log: &Log) -> Option<(Named, Table)> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        log.error_hint(Code::NotUtf8, Place::START, "the file is not UTF-8", "save it as UTF-8");
        return None;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lead: usize = text.split_inclusive('\n').take_while(|line| line.trim_start().starts_with('#')).map(str::len).sum();
    let (settings, body) = (text.get(..lead)?, text.get(lead..)?);
    let settings: String = settings.lines().map(|line| line.trim_start().trim_start_matches('#').trim_start().to_owned() + "\n").collect();
    let node = load(settings.as_bytes(), 1, log)?;
    let top = fields(&node, "the head of a rules table", &["name", "version", "hit", "otherwise"], log)?;
    let named = named(&top, stem, log)?;
    let hit = top.word("hit", &["unique", "first", "collect"], log).map_or(HitPolicy::Unique, |word| hit_policy(&word));
    let first_line = text.get(..lead)?.lines().count() as u32 + 1;
    let mut table = Builder::new(log);
    csv_rows(body, first_line, &mut table, log)?;
    let spec = table.finish(&named, Digest::of(bytes), hit, top.find("otherwise").map(Node::to_value))?;
    Some((named, spec))
}

/// What a column of a CSV table is.
enum Column {
    Id,
    Input(String),
    Output(Arc<str>),
}

fn csv_rows(body: &str, first_line: u32, table: &mut Builder<'_>, log: &Log) -> Option<()> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).flexible(false).from_reader(body.as_bytes());
    let mut columns: Option<Vec<Column>> = None;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line) as u32 + first_line - 1;
                log.error_hint(
                    Code::Rules,
                    Place { line, column: 1 },
                    format!("this is not CSV: {error}"),
                    "every row has as many cells as the header",
                );
                return None;
            }
        };
        let at = Place { line: record.position().map_or(1, csv::Position::line) as u32 + first_line - 1, column: 1 };
        match &columns {
            None => columns = Some(header(&record, at, log)?),
            Some(columns) => csv_row(columns, &record, at, table, log),
        }
    }
    if columns.is_none() {
        log.error_hint(
            Code::Rules,
            Place { line: first_line, column: 1 },
            "the table has no header",
            "name the columns, e.g. `.amount,= choice`",
        );
    }
    columns.map(drop)
}

fn header(record: &csv::StringRecord, at: Place, log: &Log) -> Option<Vec<Column>> {
    let mut columns = Vec::new();
    for cell in record {
        columns.push(match cell.strip_prefix('=') {
            Some(output) => Column::Output(output.trim().into()),
            None if cell == "id" => Column::Id,
            None if cell.starts_with('.') => Column::Input(cell.to_owned()),
            None => {
                let hint = format!("write `.{0}` for what is compared, or `= {0}` for what is answered", shown(cell));
                log.error_hint(Code::Rules, at, format!("column `{}` is not known", shown(cell)), hint);
                return None;
            }
        });
    }
    if !columns.iter().any(|column| matches!(column, Column::Output(_))) {
        log.error_hint(Code::Rules, at, "the table answers nothing", "add a column such as `= choice`");
        return None;
    }
    Some(columns)
}

fn csv_row(columns: &[Column], record: &csv::StringRecord, at: Place, table: &mut Builder<'_>, log: &Log) {
    let mut id = None;
    let mut conditions = Vec::new();
    let mut answer = Vec::new();
    for (column, cell) in columns.iter().zip(record) {
        match column {
            Column::Id => id = Some(Arc::from(cell)),
            Column::Input(path) => match condition(path, cell) {
                Ok(condition) => conditions.extend(condition),
                Err(reason) => log.error(Code::Rules, at, format!("cell `{}`: {reason}", shown(cell))),
            },
            Column::Output(name) if !matches!(cell, "" | "-") => answer.push((name.clone(), value(cell))),
            Column::Output(_) => {}
        }
    }
    let condition = (!conditions.is_empty()).then(|| (Arc::from(conditions.join(" and ")), Origin::place(log.file(), at)));
    table.row(id, condition, Value::object(answer), at);
}

/// One cell as a condition; `None`: any value.
fn condition(path: &str, cell: &str) -> Result<Option<String>, &'static str> {
    if matches!(cell, "" | "-") {
        return Ok(None);
    }
    for operator in ["<=", ">=", "==", "!=", "<", ">"] {
        if let Some(operand) = cell.strip_prefix(operator) {
            let operand = operand.trim();
            if operand.is_empty() {
                return Err("nothing follows the comparison");
            }
            return Ok(Some(format!("(({path}) {operator} {})", value(operand))));
        }
    }
    Ok(Some(format!("(({path}) == {})", value(cell))))
}

/// A JSON value, else the text itself.
fn value(cell: &str) -> Value {
    provost_model::value::parse(cell.as_bytes()).unwrap_or_else(|_| Value::str(cell))
}

fn hit_policy(word: &str) -> HitPolicy {
    match word {
        "first" => HitPolicy::First,
        "collect" => HitPolicy::Collect,
        _ => HitPolicy::Unique,
    }
}

struct Builder<'l> {
    log: &'l Log,
    rows: Vec<RulesRow>,
    conditions: Vec<Option<(Arc<str>, Origin)>>,
    ids: BTreeSet<Arc<str>>,
}

impl<'l> Builder<'l> {
    fn new(log: &'l Log) -> Self {
        Self { log, rows: Vec::new(), conditions: Vec::new(), ids: BTreeSet::new() }
    }

    fn row(&mut self, id: Option<Arc<str>>, condition: Option<(Arc<str>, Origin)>, then: Value, at: Place) {
        let id = id.unwrap_or_else(|| (self.rows.len() + 1).to_string().into());
        check_seen(&id, at, self.log);
        if !self.ids.insert(id.clone()) {
            self.log.error(Code::DuplicateName, at, format!("row `{}` stands twice", shown(&id)));
        }
        if self.rows.len() == ROWS_MAX {
            self.log.error(Code::TooLarge, at, format!("a table has at most {ROWS_MAX} rows"));
        }
        self.rows.push(RulesRow { id, when: None, then });
        self.conditions.push(condition);
    }

    fn finish(self, named: &Named, digest: Digest, hit: HitPolicy, otherwise: Option<Value>) -> Option<Table> {
        if self.rows.is_empty() {
            self.log.error(Code::Rules, Place::START, "the table has no row");
            return None;
        }
        let spec = RulesTable { name: named.name.clone(), version: named.version.clone(), digest, hit, rows: self.rows, otherwise };
        Some(Table { spec, conditions: self.conditions })
    }
}

impl Table {
    /// The table inside a program.
    pub(crate) fn compile(&self, tables: &mut Tables) -> RulesTable {
        let mut spec = self.spec.clone();
        for (row, condition) in spec.rows.iter_mut().zip(&self.conditions) {
            row.when = condition.as_ref().map(|(source, origin)| tables.expression(source, &[], origin.clone()));
        }
        spec
    }

    /// The version, for the lock.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.spec.version
    }
}
