//! The policies that Provost brings along, embedded and named with a version, so that a verdict can name them.
//!
//! What must stay true: a published version never changes; a change is `starter@2`.

use std::sync::LazyLock;

use crate::set::PolicySet;

/// The name of the laptop's policy, as verdicts show it.
pub const STARTER: &str = "starter@1";
/// The name of the tenant's first policy, as verdicts show it.
pub const TENANT_DEFAULT: &str = "tenant-default@1";

/// The texts, for people who want to read or copy them: (file, text).
pub const TEXTS: [(&str, &str); 2] = [
    ("starter@1.cedar", include_str!("../policies/starter@1.cedar")),
    ("tenant-default@1.cedar", include_str!("../policies/tenant-default@1.cedar")),
];

static STARTER_SET: LazyLock<PolicySet> = LazyLock::new(|| embedded("starter@1.cedar"));
static TENANT_DEFAULT_SET: LazyLock<PolicySet> = LazyLock::new(|| embedded("tenant-default@1.cedar"));

/// `starter@1`: stands in for the bundle's layer on a laptop whose bundle brings no policies. `apply` must refuse to lean on it.
pub fn starter() -> &'static PolicySet {
    &STARTER_SET
}

/// `tenant-default@1`: the tenant's layer until the tenant brings its own.
pub fn tenant_default() -> &'static PolicySet {
    &TENANT_DEFAULT_SET
}

/// A text that did not parse would be an empty set, and that denies; a test proves that each parses.
fn embedded(name: &str) -> PolicySet {
    let files: Vec<(&str, &str)> = TEXTS.into_iter().filter(|(file, _)| *file == name).collect();
    PolicySet::parse(&files, None).unwrap_or_else(|_| PolicySet::empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse of an embedded text is a failed test")]

    use super::{TEXTS, starter, tenant_default};
    use crate::set::PolicySet;

    #[test]
    fn every_embedded_text_parses_and_names_all_its_policies() {
        for (file, text) in TEXTS {
            let set = PolicySet::parse(&[(file, text)], None).unwrap();
            assert!(set.rules().iter().all(|rule| !rule.id.starts_with("policy")), "{file} has an unnamed policy");
        }
        assert!(!starter().is_empty() && !tenant_default().is_empty());
        assert_ne!(starter().digest(), tenant_default().digest());
    }
}
