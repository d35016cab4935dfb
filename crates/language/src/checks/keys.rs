//! Business keys: money that leaves without one, and keys that nothing trusted can fill.

use provost_model::Value;
use provost_model::program::{ActionSpec, EffectClass};

use crate::finding::{Code, Log, Place};

/// An action that moves money out needs a key, or a second event for one request pays twice.
pub(crate) fn no_key(action: &str, spec: &ActionSpec, at: Place, log: &Log) {
    if spec.money_out && spec.class != EffectClass::E0 {
        let hint = "add `key:` from a business identifier, e.g. `key: ${ \"refund/\" + .requestId }`";
        let message = format!("`{action}` moves money out and has no `key`: a second event for one request would pay twice");
        log.warn(Code::NoKey, at, message, hint);
    }
}

/// A computed key is refused when it runs if what it reads is not trusted; without any trusted field that is nearly certain.
pub(crate) fn untrusted(computed: &[Place], schemas: &[Value], log: &Log) {
    let trusted = |schema: &Value| schema.member("x-provost").is_some_and(|own| own.member("trusted").is_some());
    if schemas.iter().any(trusted) {
        return;
    }
    for at in computed {
        let message = "this business key is computed, and no contract of this workflow labels anything `trusted`";
        let hint = "label the field it is read from, e.g. `\"x-provost\": { \"trusted\": [\"/requestId\"] }`";
        log.warn(Code::UntrustedKey, *at, message, hint);
    }
}
