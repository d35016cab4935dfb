//! Every folder of `corpus/policy` is one case: the bundle's files (none: `starter@1`), the tenant's (none: `tenant-default@1`), a
//! request with its entities and Guard, and the verdict that must come out.
#![expect(clippy::disallowed_methods, reason = "the cases are files")]
#![expect(clippy::unwrap_used, reason = "a corpus that cannot be read is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use provost_model::value::Value;
use provost_model::verdict::{Entity, PolicyRequest, Rule, Verdict};
use provost_policy::{CachedJudge, Described, Entities, Guard, Judge, PolicySet, starter, tenant_default};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "why")]
    _why: String,
    request: PolicyRequest,
    #[serde(default)]
    entities: Vec<Shown>,
    #[serde(default)]
    guard: Guard,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    entity: Entity,
    #[serde(default)]
    parents: Vec<Entity>,
    #[serde(default)]
    attributes: Value,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    answer: String,
    layer: String,
    /// `id file:line`
    rules: Vec<String>,
    /// Each must be found in the errors; none means no errors at all.
    errors: Vec<String>,
    /// What policies on trial would have changed; absent where nothing.
    would: Option<ExpectedWould>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedWould {
    answer: String,
    rules: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/policy");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

fn set(folder: &Path) -> Option<PolicySet> {
    let entries = fs::read_dir(folder).ok()?;
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let files: Vec<(String, String)> = entries.map(|e| e.unwrap().path()).map(|p| (name(&p), fs::read_to_string(&p).unwrap())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Some(PolicySet::parse(&files, None).unwrap())
}

fn check(folder: &Path) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|e| format!("{name}: {e}"));
    let case: Case = serde_json::from_str(&read("request.json")?).map_err(|e| format!("request.json: {e}"))?;
    let expected: Expected = serde_json::from_str(&read("expected.json")?).map_err(|e| format!("expected.json: {e}"))?;
    let (bundle, tenant) = (set(&folder.join("policies")), set(&folder.join("tenant")));
    let described: Vec<Described> =
        case.entities.into_iter().map(|s| Described { entity: s.entity, parents: s.parents, attributes: s.attributes }).collect();
    let entities = Entities::new(&described).map_err(|e| e.to_string())?;
    let judge = Judge {
        bundle: bundle.as_ref().unwrap_or_else(|| starter()),
        tenant: tenant.as_ref().unwrap_or_else(|| tenant_default()),
        guard: &case.guard,
    };
    let verdict = judge.judge(&case.request, &entities);
    for set in [judge.bundle, judge.tenant].into_iter().flat_map(|set| [Some(set), set.trial()]).flatten() {
        if set.answer(&case.request, &entities) != set.full_scan(&case.request, &entities) {
            return Err("the index and the full scan differ".to_owned());
        }
    }
    let mut kept = CachedJudge::new(1);
    if (0..2).any(|_| kept.judge(&judge, &case.request, &entities) != verdict) {
        return Err("a kept verdict differs".to_owned());
    }
    compare(&expected, &verdict)
}

fn compare(expected: &Expected, verdict: &Verdict) -> Result<(), String> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let named = |rules: &[Rule]| rules.iter().map(|rule| format!("{} {}", rule.id, rule.at)).collect::<Vec<_>>();
    let told = |expected: &[String], found: &[String]| {
        let errors = found.join(" | ");
        expected.iter().all(|text| errors.contains(text)) && expected.is_empty() == errors.is_empty()
    };
    let found = (word(serde_json::json!(verdict.answer)), word(serde_json::json!(verdict.layer)), named(&verdict.rules));
    let would = match (&expected.would, &verdict.would) {
        (None, None) => true,
        (Some(expected), Some(found)) => {
            expected.answer == word(serde_json::json!(found.answer))
                && expected.rules == named(&found.rules)
                && told(&expected.errors, &found.errors)
        }
        (Some(_), None) | (None, Some(_)) => false,
    };
    let decided = found == (expected.answer.clone(), expected.layer.clone(), expected.rules.clone());
    if decided && would && told(&expected.errors, &verdict.errors) {
        return Ok(());
    }
    Err(format!("expected {expected:?}\n     found {found:?}, {:?} with errors {:?}", verdict.would, verdict.errors))
}

#[test]
fn every_case_gives_its_verdict() {
    let folders = folders();
    assert!(folders.len() >= 25, "only {} cases", folders.len());
    let wrong: Vec<String> = folders
        .iter()
        .filter_map(|folder| check(folder).err().map(|why| format!("{}: {why}", folder.file_name().unwrap().to_string_lossy())))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), folders.len(), wrong.join("\n"));
}
