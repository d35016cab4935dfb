//! The index answers exactly as the full scan: for any policies, any roles and any request, rules and errors included. Policies on trial
//! change nothing, and what they would have changed is what they change in force.
#![expect(clippy::unwrap_used, reason = "generated policies that do not parse are a failed test")]

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;
use provost_model::value::Value;
use provost_model::verdict::{Answer, Entity, PolicyRequest};
use provost_policy::{Described, Entities, Guard, Judge, PolicySet, tenant_default};

const USERS: [&str; 3] = ["ann", "bob", "eve"];
const ROLES: [&str; 3] = ["admin", "lead", "staff"];
const TRIED: &str = "@log_only(\"a try\") ";
const ACTIONS: [&str; 3] = ["a.one", "a.two", "a.three"];

fn action_name() -> impl Strategy<Value = String> {
    (select(&ACTIONS[..]), any::<bool>()).prop_map(|(name, review)| if review { format!("{name}.with-review") } else { name.to_owned() })
}

fn action_scope() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just("action".to_owned()),
        3 => action_name().prop_map(|a| format!("action == Action::\"{a}\"")),
        1 => action_name().prop_map(|a| format!("action in Action::\"{a}\"")),
        3 => prop::collection::vec(action_name(), 1..4).prop_map(|list| {
            let list: Vec<String> = list.iter().map(|a| format!("Action::\"{a}\"")).collect();
            format!("action in [{}]", list.join(", "))
        }),
    ]
}

fn party(of: &'static str) -> impl Strategy<Value = String> {
    let user = || select(&USERS[..]).prop_map(|u| format!("User::\"{u}\""));
    let role = || select(&ROLES[..]).prop_map(|r| format!("Role::\"{r}\""));
    prop_oneof![
        3 => Just(of.to_owned()),
        2 => user().prop_map(move |u| format!("{of} == {u}")),
        2 => role().prop_map(move |r| format!("{of} in {r}")),
        1 => user().prop_map(move |u| format!("{of} in {u}")),
        1 => select(vec!["User", "Workflow", "Role"]).prop_map(move |k| format!("{of} is {k}")),
        1 => role().prop_map(move |r| format!("{of} is User in {r}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let test = prop_oneof![
        (select(vec!["<", "<=", "==", ">", "!="]), -2..3_i64).prop_map(|(op, n)| format!("context.n {op} {n}")),
        select(vec!["x", "y"]).prop_map(|t| format!("context.s == \"{t}\"")),
        select(vec!["x*", "*y"]).prop_map(|t| format!("context.s like \"{t}\"")),
        Just("context has s && context.s == \"x\"".to_owned()),
        Just("context.n + 9223372036854775806 > 0".to_owned()),
        Just("context.n".to_owned()),
        select(&ROLES[..]).prop_map(|r| format!("principal in Role::\"{r}\"")),
        Just("[\"x\", \"z\"].contains(context.s)".to_owned()),
        action_name().prop_map(|a| format!("action == Action::\"{a}\"")),
        action_name().prop_map(|a| format!("context has s && [action].contains(Action::\"{a}\")")),
    ];
    prop_oneof![
        3 => Just(String::new()),
        5 => (any::<bool>(), test).prop_map(|(when, test)| format!(" {} {{ {test} }}", if when { "when" } else { "unless" })),
    ]
}

fn policy() -> impl Strategy<Value = String> {
    (prop::bool::weighted(0.3), party("principal"), action_scope(), party("resource"), condition()).prop_map(
        |(forbid, principal, action, resource, condition)| {
            format!("{} ({principal}, {action}, {resource}){condition};\n", if forbid { "forbid" } else { "permit" })
        },
    )
}

/// Puts some on trial.
fn policy_or_trial() -> impl Strategy<Value = String> {
    (prop::bool::weighted(0.25), policy()).prop_map(|(tried, text)| if tried { format!("{TRIED}{text}") } else { text })
}

fn entity() -> impl Strategy<Value = Entity> {
    prop_oneof![
        4 => select(&USERS[..]).prop_map(|u| Entity::new("User", u)),
        1 => select(&USERS[..]).prop_map(|u| Entity::new("Workflow", u)),
        1 => select(&ROLES[..]).prop_map(|r| Entity::new("Role", r)),
        1 => select(&ACTIONS[..]).prop_map(|a| Entity::new("Action", a)),
    ]
}

/// Users in roles, and `staff` in `lead` in `admin` as far as drawn, so that ancestors have ancestors.
fn entities() -> impl Strategy<Value = Vec<Described>> {
    let roles = || prop::collection::vec(select(&ROLES[..]), 0..3).prop_map(|r| r.into_iter().map(|r| Entity::new("Role", r)).collect());
    let users = prop::collection::vec(roles(), 3);
    (users, any::<bool>(), any::<bool>()).prop_map(|(users, staff_leads, leads_admin)| {
        let mut all: Vec<Described> =
            USERS.iter().zip(users).map(|(u, r): (_, Vec<Entity>)| Described::new(Entity::new("User", u), r)).collect();
        let mut nest = |yes: bool, from: &str, to: &str| {
            all.push(Described::new(Entity::new("Role", from), yes.then(|| Entity::new("Role", to)).into_iter().collect()));
        };
        nest(staff_leads, "staff", "lead");
        nest(leads_admin, "lead", "admin");
        all
    })
}

fn request() -> impl Strategy<Value = PolicyRequest> {
    let context = (prop::option::of(-2..3_i64), prop::option::of(select(vec!["x", "y", "xy"])));
    (entity(), select(&ACTIONS[..]), entity(), context).prop_map(|(principal, action, resource, (n, s))| PolicyRequest {
        principal,
        action: action.into(),
        resource,
        context: Value::object([("n", n.into()), ("s", s.into())]),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_as_the_full_scan(
        policies in prop::collection::vec(policy_or_trial(), 0..24),
        requests in prop::collection::vec(request(), 1..6),
        described in entities(),
    ) {
        let (one, two) = policies.split_at(policies.len() / 2);
        let set = PolicySet::parse(&[("b.cedar", &one.concat()), ("a.cedar", &two.concat())], None).unwrap();
        let entities = Entities::new(&described).unwrap();
        for request in &requests {
            let answer = set.answer(request, &entities);
            prop_assert_eq!(&answer, &set.full_scan(request, &entities), "{:?}", request);
            prop_assert_eq!(&answer, &set.answer(request, &entities));
            prop_assert!(answer.errors.is_empty() || answer.answer == Answer::Deny);
            if let Some(trial) = set.trial() {
                prop_assert_eq!(trial.answer(request, &entities), trial.full_scan(request, &entities), "{:?}", request);
            }
        }
    }
}

/// One file: policies named by their number, one per line; those on trial as written, left out, or in force.
fn three_ways(policies: &[String], prefix: char) -> [PolicySet; 3] {
    let set = |line: &dyn Fn(&str) -> String| {
        let text = policies.iter().enumerate().fold(String::new(), |mut text, (number, policy)| {
            let policy = line(policy);
            let name = if policy.trim().is_empty() { String::new() } else { format!("@id(\"{prefix}{number}\") ") };
            let _infallible = writeln!(text, "{name}{}", policy.trim_end());
            text
        });
        PolicySet::parse(&[("a.cedar", &text)], None).unwrap()
    };
    let blank = |policy: &str| if policy.starts_with(TRIED) { String::new() } else { policy.to_owned() };
    [set(&str::to_owned), set(&blank), set(&|policy| policy.trim_start_matches(TRIED).to_owned())]
}

fn tried(policies: &[String], rule: &str) -> bool {
    let number: usize = rule.trim_start_matches(['p', 'q']).parse().unwrap();
    policies.get(number).is_some_and(|policy| policy.starts_with(TRIED))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_trial_changes_nothing_and_tells_what_it_would(
        policies in prop::collection::vec(policy_or_trial(), 1..16),
        other in prop::collection::vec(policy_or_trial(), 1..8),
        requests in prop::collection::vec(request(), 1..8),
        described in entities(),
    ) {
        let [written, without, forced] = three_ways(&policies, 'p');
        let [tenant, tenant_without, tenant_forced] = three_ways(&other, 'q');
        let entities = Entities::new(&described).unwrap();
        let guard = Guard::default();
        for request in &requests {
            prop_assert_eq!(written.answer(request, &entities), without.answer(request, &entities));
            prop_assert_eq!(written.trial().unwrap_or(&written).answer(request, &entities), forced.answer(request, &entities));
            let judge = |bundle, tenant| Judge { bundle, tenant, guard: &guard }.judge(request, &entities);
            let mut layers = vec![(&written, tenant_default(), &without, tenant_default(), &forced, tenant_default())];
            layers.push((&written, &tenant, &without, &tenant_without, &forced, &tenant_forced));
            for (bundle, tenant, bundle_without, tenant_without, bundle_forced, tenant_forced) in layers {
                let verdict = judge(bundle, tenant);
                let expected = judge(bundle_forced, tenant_forced);
                // A set of nothing but trials is no empty set: it denies because no policy permits, and says nothing of a missing set.
                if !bundle_without.is_empty() && !tenant_without.is_empty() {
                    let apart = judge(bundle_without, tenant_without);
                    prop_assert_eq!((verdict.answer, &verdict.rules, &verdict.errors, verdict.layer), (apart.answer, &apart.rules, &apart.errors, apart.layer));
                }
                let would = verdict.would.as_ref();
                prop_assert_eq!(would.map(|would| would.answer), (expected.answer != verdict.answer).then_some(expected.answer));
                prop_assert!(would.is_none_or(|would| !would.rules.is_empty() || !would.errors.is_empty()), "{:?}", would);
                let in_layer = |rule: &str| tried(if rule.starts_with('p') { &policies } else { &other }, rule);
                prop_assert!(would.is_none_or(|would| would.rules.iter().all(|rule| in_layer(&rule.id))), "{:?}", would);
            }
        }
    }
}

/// The property above is worth something only if its worlds show every kind of answer.
#[test]
fn the_generated_worlds_show_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let worlds = (prop::collection::vec(policy(), 8..24), request(), entities());
    let mut seen = [0_u32; 5];
    for _ in 0..400 {
        let (policies, request, described) = worlds.new_tree(&mut runner).unwrap().current();
        let set = PolicySet::parse(&[("a.cedar", &policies.concat())], None).unwrap();
        let answer = set.answer(&request, &Entities::new(&described).unwrap());
        let kind = match (answer.answer, answer.rules.is_empty(), answer.errors.is_empty()) {
            (Answer::Allow, ..) => 0,
            (Answer::Review, ..) => 1,
            (Answer::Deny, _, false) => 2,
            (Answer::Deny, false, true) => 3,
            (Answer::Deny, true, true) => 4,
        };
        if let Some(count) = seen.get_mut(kind) {
            *count += 1;
        }
    }
    assert!(seen.iter().all(|count| *count >= 10), "allow, review, error, forbidden, default: {seen:?}");
}
