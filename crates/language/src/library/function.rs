//! Functions of a catalogue in the bundle: `catalogs/CATALOG/functions/NAME/VERSION/function.yaml`, laid out as catalogues are upstream.
//!
//! What must stay true: a function stands on its own; what is wrong in it is said of its own file, once, and only where it is called.

use std::sync::Arc;

use crate::finding::{Code, Log, Place};
use crate::version;
use crate::yaml::{Node, load, shown};

/// One function of a catalogue.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) catalog: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) definition: Node,
    /// What is found where it is called.
    pub(crate) log: Log,
}

/// Reads a function, with the key under which it is called.
pub(crate) fn read(bytes: &[u8], path: &str, log: &Log) -> Option<(Arc<str>, Function)> {
    let parts: Vec<&str> = path.split('/').collect();
    let (["catalogs", catalog, "functions", name, written, "function.yaml"]
    | ["catalogs", catalog, "functions", name, written, "function.yml"]) = parts.as_slice()
    else {
        let hint = "a function of a catalogue is `catalogs/CATALOG/functions/NAME/VERSION/function.yaml`";
        log.error_hint(Code::WrongValue, Place::START, format!("`{}` is no function of a catalogue", shown(path)), hint);
        return None;
    };
    if version::major(written).is_none() {
        let hint = "name the folder with three numbers, e.g. 1.0.0";
        log.error_hint(Code::WrongValue, Place::START, format!("`{}` is not a version", shown(written)), hint);
        return None;
    }
    let definition = load(bytes, 1, log)?;
    let key = format!("{name}:{written}@{catalog}").into();
    let (catalog, name, version) = (Arc::from(*catalog), Arc::from(*name), Arc::from(*written));
    Some((key, Function { catalog, name, version, definition, log: Log::new(path) }))
}
