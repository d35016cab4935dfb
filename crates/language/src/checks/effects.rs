//! Actions without a class.

use provost_model::program::ActionSpec;

use crate::finding::{Code, Log, Place};

/// Says what an action without `class` counts as.
pub(crate) fn no_class(spec: &ActionSpec, at: Place, log: &Log) {
    let reads = spec.http.as_ref().is_some_and(|http| matches!(&*http.method, "GET" | "HEAD"));
    let hint = match reads {
        true => "write `class: E0` if it only reads, else E1 (honours a key), E2 (may be repeated), E3 (can be asked) or E4 (none)",
        false => "write `class:` E1 (the target honours a key), E2 (may be repeated), E3 (can be asked) or E4 (none of these)",
    };
    let message = format!("`{}` has no `class`, so it counts as E4: never tried again once it was sent", spec.name);
    log.warn(Code::NoClass, at, message, hint);
}
