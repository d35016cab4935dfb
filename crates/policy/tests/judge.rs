//! What holds for every verdict: roles follow from how somebody is known, kept verdicts are the verdicts, the Guard only narrows.
#![expect(clippy::unwrap_used, reason = "a set or Guard that does not parse is a failed test")]

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use provost_model::value::Value;
use provost_model::verdict::{Answer, Entity, PolicyRequest};
use provost_model::who::{Known, Who};
use provost_policy::{CachedJudge, Described, Entities, EntitiesError, Guard, Judge, PolicySet, principal_of, starter, tenant_default};

fn who(known: Known, roles: &[&str]) -> Who {
    Who { name: "ada".into(), known, roles: roles.iter().map(|r| Arc::from(*r)).collect() }
}

fn read_by(who: &Who) -> PolicyRequest {
    let resource = Entity::new("Orchestration", "orc_1");
    PolicyRequest { principal: principal_of(who), action: "orchestration.read".into(), resource, context: Value::Null }
}

fn laptop(guard: &Guard) -> Judge<'_> {
    Judge { bundle: starter(), tenant: tenant_default(), guard }
}

#[test]
fn what_provost_asks_about_has_one_list() {
    use provost_policy::vocabulary::{
        AGENT_START, FEATURE_READ, MODEL_CALL, PLAN_EXECUTE, PLATFORM, RETRIEVAL_QUERY, RETRIEVAL_READ, TOOL_CALL,
    };
    let mut all = PLATFORM.to_vec();
    all.extend([AGENT_START, PLAN_EXECUTE, MODEL_CALL, TOOL_CALL, RETRIEVAL_QUERY, RETRIEVAL_READ, FEATURE_READ]);
    all.sort_unstable();
    assert_eq!(all, provost_model::verdict::PROVOST_ACTIONS);
}

#[test]
fn no_token_carries_a_role_that_follows_from_how_somebody_is_known() {
    let answer = |who: &Who| laptop(&Guard::default()).judge(&read_by(who), &Entities::of_who(who).unwrap()).answer;
    assert_eq!(answer(&who(Known::Loopback, &[])), Answer::Allow);
    assert_eq!(answer(&who(Known::Token, &["local"])), Answer::Deny);
    assert_eq!(answer(&who(Known::Token, &["local", "system", "writer"])), Answer::Allow);
    assert_eq!(answer(&who(Known::Token, &[])), Answer::Deny);
    // Loopback has the one role of a laptop, whatever else is claimed.
    let claims = who(Known::Loopback, &["admin"]);
    let live = PolicyRequest { action: "replay.run".into(), context: Value::object([("mode", Value::from("live"))]), ..read_by(&claims) };
    assert_eq!(laptop(&Guard::default()).judge(&live, &Entities::of_who(&claims).unwrap()).answer, Answer::Deny);
}

#[test]
fn the_system_brings_events_in_and_reads_nothing() {
    let system = Who::system();
    let entities = Entities::of_who(&system).unwrap();
    let ask = |action: &str| PolicyRequest { action: action.into(), ..read_by(&system) };
    let guard = Guard::default();
    assert_eq!(laptop(&guard).judge(&ask("event.ingest"), &entities).answer, Answer::Allow);
    assert_eq!(laptop(&guard).judge(&ask("orchestration.read"), &entities).answer, Answer::Deny);
}

#[test]
fn a_verdict_names_what_it_was_made_of() {
    let local = who(Known::Loopback, &[]);
    let guard = Guard { revision: 41, ..Guard::default() };
    let verdict = laptop(&guard).judge(&read_by(&local), &Entities::of_who(&local).unwrap());
    assert_eq!(verdict.request, read_by(&local).digest());
    assert_eq!((verdict.bundle, verdict.tenant, verdict.guard, verdict.binding), (starter().digest(), tenant_default().digest(), 41, 0));
    assert_eq!(verdict.rules.first().map(|r| &*r.id), Some("starter-local-user"));
}

#[test]
fn entities_that_cannot_be_built_say_why() {
    let described = |kind: &str, id: &str, parents: &[(&str, &str)], attributes: Value| Described {
        entity: Entity::new(kind, id),
        parents: parents.iter().map(|(k, i)| Entity::new(k, i)).collect(),
        attributes,
    };
    let check = |list: &[Described], code: &str| assert_eq!(Entities::new(list).map(|_| ()).unwrap_err().code(), code);
    check(&[described("no name", "x", &[], Value::Null)], "entity-kind");
    check(&[described("Action", "x", &[("Action", "all")], Value::Null)], "entity-action-parents");
    let half = provost_model::value::parse(b"{\"a\":0.5}").unwrap();
    check(&[described("User", "x", &[], half)], "entity-attribute");
    check(
        &[described("Role", "a", &[("Role", "b")], Value::Null), described("Role", "b", &[("Role", "a")], Value::Null)],
        "entity-contradiction",
    );
    check(&[described("User", "a", &[], Value::Null), described("User", "a", &[("Role", "b")], Value::Null)], "entity-contradiction");
    assert_eq!(Entities::new(&vec![described("User", "a", &[], Value::Null); 1_001]).unwrap_err(), EntitiesError::TooMany(1_001));
}

#[test]
fn kept_verdicts_leave_in_order_of_use() {
    let guard = Guard::default();
    let judge = laptop(&guard);
    let ask =
        |number: u32| PolicyRequest { context: Value::object([("n", Value::from(i64::from(number)))]), ..read_by(&who(Known::Token, &[])) };
    let mut kept = CachedJudge::new(3);
    for number in [1, 2, 3, 1, 4, 2, 5, 5, 1] {
        assert_eq!(kept.judge(&judge, &ask(number), Entities::none()), judge.judge(&ask(number), Entities::none()));
        assert!(kept.len() <= 3);
    }
    let mut none = CachedJudge::new(0);
    none.judge(&judge, &ask(1), Entities::none());
    assert!(none.is_empty());
}

#[test]
fn a_kept_verdict_serves_no_other_roles_sets_or_guard() {
    let mut kept = CachedJudge::new(16);
    let writer = who(Known::Token, &["writer"]);
    let with = Entities::of_who(&writer).unwrap();
    let open = Guard { revision: 1, ..Guard::default() };
    // Another tenant's Guard may bear the same revision.
    let stopped = Guard { revision: 1, users: [Arc::from("ada")].into(), ..Guard::default() };
    let request = read_by(&writer);
    let empty = PolicySet::empty();
    let mut answer = |judge: &Judge<'_>, entities: &Entities| kept.judge(judge, &request, entities).answer;
    assert_eq!(answer(&laptop(&open), &with), Answer::Allow);
    assert_eq!(answer(&laptop(&open), Entities::none()), Answer::Deny);
    assert_eq!(answer(&laptop(&stopped), &with), Answer::Deny);
    assert_eq!(answer(&Judge { tenant: &empty, ..laptop(&open) }, &with), Answer::Deny);
    assert_eq!(answer(&laptop(&open), &with), Answer::Allow);
}

#[test]
fn a_guard_is_read_as_it_was_written_and_no_newer_one_is_half_read() {
    let guard = Guard { revision: 3, tenant_stopped: true, tool_hashes: [Arc::from("sha256:ab")].into(), ..Guard::default() };
    let text = serde_json::to_string(&guard).unwrap();
    assert_eq!(text, r#"{"revision":3,"tenantStopped":true,"toolHashes":["sha256:ab"]}"#);
    assert_eq!(serde_json::from_str::<Guard>(&text).unwrap(), guard);
    assert!(serde_json::from_str::<Guard>(r#"{"revision":4,"regions":["eu"]}"#).is_err());
    assert!(Guard::default().is_open() && !guard.is_open());
}

fn guard() -> impl Strategy<Value = Guard> {
    let names = |of: &'static [&'static str]| prop::collection::btree_set(select(of).prop_map(Arc::from), 0..2);
    let stopped = prop::bool::weighted(0.2);
    let lists =
        (names(&["w1", "w2"]), names(&["a1"]), names(&["pay.out", "pay.in"]), names(&["example.com", "pay.example.com"]), names(&["m1"]));
    (stopped, lists, names(&["sha256:ab"]), names(&["ann", "bob"])).prop_map(|(tenant_stopped, lists, tool_hashes, users)| {
        let (workflows, agents, actions, destinations, models) = lists;
        Guard { revision: 1, tenant_stopped, workflows, agents, actions, destinations, models, tool_hashes, users }
    })
}

fn request() -> impl Strategy<Value = PolicyRequest> {
    let principal = select(vec![("User", "ann"), ("User", "bob"), ("Workflow", "w1"), ("Workflow", "w2")]);
    let action = select(vec!["pay.out", "pay.in", "agent.start", "model.call", "orchestration.start", "orchestration.read", "guard.set"]);
    let resource = select(vec![("Action", "pay.out"), ("Agent", "a1"), ("Model", "m1"), ("Workflow", "w1"), ("Tenant", "t")]);
    let host = select(vec!["api.example.com", "PAY.example.com.", "example.org"]);
    (principal, action, resource, host, any::<bool>()).prop_map(|(principal, action, resource, host, hash)| PolicyRequest {
        principal: Entity::new(principal.0, principal.1),
        action: action.into(),
        resource: Entity::new(resource.0, resource.1),
        context: Value::object([("destinationHost", Value::from(host)), ("toolHash", Value::from(hash.then_some("sha256:ab")))]),
    })
}

fn union(a: &Guard, b: &Guard) -> Guard {
    Guard {
        revision: 1,
        tenant_stopped: a.tenant_stopped || b.tenant_stopped,
        workflows: &a.workflows | &b.workflows,
        agents: &a.agents | &b.agents,
        actions: &a.actions | &b.actions,
        destinations: &a.destinations | &b.destinations,
        models: &a.models | &b.models,
        tool_hashes: &a.tool_hashes | &b.tool_hashes,
        users: &a.users | &b.users,
    }
}

#[test]
fn a_kept_verdict_keeps_its_trial_and_serves_no_set_without() {
    let permit = "permit (principal, action, resource);";
    let set = |more: &str| PolicySet::parse(&[("own.cedar", &format!("{permit}\n{more}"))], None).unwrap();
    let tried = set("@id(\"never\") @log_only(\"a try\") forbid (principal, action, resource);");
    let untried = set("");
    let (guard, local) = (Guard::default(), who(Known::Loopback, &[]));
    let mut kept = CachedJudge::new(4);
    for _ in 0..2 {
        for (tenant, would) in [(&tried, Some(Answer::Deny)), (&untried, None)] {
            let verdict = kept.judge(&Judge { tenant, ..laptop(&guard) }, &read_by(&local), Entities::none());
            assert_eq!((verdict.answer, verdict.would.map(|would| would.answer)), (Answer::Allow, would));
        }
    }
    assert_eq!(kept.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_guard_only_narrows(one in guard(), two in guard(), request in request()) {
        let both = union(&one, &two);
        let denied = one.denies(&request).is_some() || two.denies(&request).is_some();
        prop_assert_eq!(both.denies(&request).is_some(), denied);
        prop_assert!(Guard::default().denies(&request).is_none());
        let anything = PolicySet::parse(&[("open.cedar", "permit (principal, action, resource);")], None).unwrap();
        let judged = Judge { bundle: &anything, tenant: &anything, guard: &both }.judge(&request, Entities::none());
        prop_assert_eq!(judged.answer, if denied { Answer::Deny } else { Answer::Allow });
        prop_assert_eq!(one.digest() == two.digest(), one == two);
    }

    #[test]
    fn the_stricter_layer_wins(bundle in 0..3_usize, tenant in 0..3_usize) {
        let texts = [
            "@id(\"yes\") permit (principal, action, resource);",
            "@id(\"ask\") permit (principal, action == Action::\"pay.out.with-review\", resource);",
            "@id(\"no\") forbid (principal, action, resource);",
        ];
        let answers = [Answer::Allow, Answer::Review, Answer::Deny];
        let set = |at: usize| PolicySet::parse(&[("x.cedar", *texts.get(at).unwrap())], None).unwrap();
        let (bundle_set, tenant_set) = (set(bundle), set(tenant));
        let guard = Guard::default();
        let resource = Entity::new("Action", "pay.out");
        let request = PolicyRequest { principal: Entity::new("Workflow", "w"), action: "pay.out".into(), resource, context: Value::Null };
        let verdict = Judge { bundle: &bundle_set, tenant: &tenant_set, guard: &guard }.judge(&request, Entities::none());
        prop_assert_eq!(Some(&verdict.answer), answers.get(bundle.max(tenant)));
        prop_assert_eq!(verdict.rules.len(), 1);
    }
}
