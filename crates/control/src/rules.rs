//! What names, reasons, addresses and policy files may be.
//!
//! What must stay true: a refusal never repeats an address, which may hold a secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use provost_model::value::{canonical, canonical_len};
use provost_policy::{Guard, PolicySet};
use url::Url;

use crate::limits::{ADDRESS_BYTES_MAX, GUARD_BYTES_MAX, NAME_BYTES_MAX, POLICIES_BYTES_MAX, REASON_BYTES_MAX, VERSION_BYTES_MAX};
use crate::refused::ControlRefused;

/// A reason: some text on one line.
pub(crate) fn reason(text: &str) -> Result<(), ControlRefused> {
    let fits = !text.trim().is_empty() && text.len() <= REASON_BYTES_MAX && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(ControlRefused::Reason { bytes: text.len() }) }
}

/// A name for a `what`.
pub(crate) fn name(what: &'static str, text: &str) -> Result<(), ControlRefused> {
    let fits = text.len() <= NAME_BYTES_MAX
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@:".contains(&byte));
    if fits { Ok(()) } else { Err(ControlRefused::Name { what, name: shortened(text) }) }
}

/// A workflow's version.
pub(crate) fn version(text: &str) -> Result<(), ControlRefused> {
    let fits = !text.is_empty() && text.len() <= VERSION_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(ControlRefused::Name { what: "version", name: shortened(text) }) }
}

/// A number of things within its limit.
pub(crate) fn count(what: &'static str, count: usize, max: usize) -> Result<(), ControlRefused> {
    if count <= max { Ok(()) } else { Err(ControlRefused::TooMany { what, count, max }) }
}

/// An address: http or https, with a host, without credentials, query and fragment.
pub(crate) fn address(destination: &str, text: &str) -> Result<(), ControlRefused> {
    let refuse = |why| Err(ControlRefused::Address { destination: destination.to_owned(), why });
    if text.len() > ADDRESS_BYTES_MAX {
        return refuse("it is longer than 2048 bytes");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("it is no absolute URL");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("it is neither http nor https");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return refuse("it has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it holds a user or password, which would be recorded");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it has a query or fragment, where secrets would be recorded");
    }
    Ok(())
}

/// A Guard as it is recorded: readable, without its revision.
pub(crate) fn guard(value: &Value) -> Result<Value, ControlRefused> {
    let members = value.as_object().ok_or_else(|| ControlRefused::Guard(format!("it is a {}, write an object", value.kind())))?;
    count("bytes of the Guard", canonical_len(value), GUARD_BYTES_MAX)?;
    let kept = members.iter().filter(|(key, _)| &***key != "revision").map(|(key, member)| (Arc::clone(key), member.clone()));
    let kept = Value::object(kept.collect::<Vec<_>>());
    read_guard(&kept, 0).map(|_readable| kept)
}

/// The Guard in a recorded value.
pub(crate) fn read_guard(value: &Value, revision: u64) -> Result<Guard, ControlRefused> {
    let guard: Guard = serde_json::from_str(&canonical(value)).map_err(|e| ControlRefused::Guard(e.to_string()))?;
    Ok(Guard { revision, ..guard })
}

/// Policy files: named `*.cedar`, within the limit, and readable as one set.
pub(crate) fn policies(files: &BTreeMap<Arc<str>, Arc<str>>) -> Result<(), ControlRefused> {
    count("bytes of policies", files.values().map(|text| text.len()).sum(), POLICIES_BYTES_MAX)?;
    for file in files.keys() {
        name("policy file", file)?;
        if !file.ends_with(".cedar") {
            return Err(ControlRefused::Name { what: "policy file (it ends in .cedar)", name: shortened(file) });
        }
    }
    read_policies(files).map(|_readable| ())
}

/// The set in recorded policy files.
pub(crate) fn read_policies(files: &BTreeMap<Arc<str>, Arc<str>>) -> Result<PolicySet, ControlRefused> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    PolicySet::parse(&files, None).map_err(|findings| {
        let first = findings.first().map(|f| format!("{}:{}:{}: {}", f.file, f.line, f.column, f.message));
        ControlRefused::Policies(first.unwrap_or_default())
    })
}

/// Hostile text, short enough for a message.
fn shortened(text: &str) -> String {
    text.chars().take(NAME_BYTES_MAX).flat_map(char::escape_debug).collect()
}
