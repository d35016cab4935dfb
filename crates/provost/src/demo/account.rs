//! The account: what the outside services wrote down, held against what the server says.
//!
//! What must stay true: nothing is taken from the story but what was asked for and what was acknowledged.

use crate::demo::At as _;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::outside;
use super::people::{Left, every};
use super::stage::{Stage, ledger};
use super::story::{Sent, text};
use crate::say::Failure;

/// Money by currency, in minor units.
pub type Sums = BTreeMap<String, i64>;

/// What was counted.
#[derive(Debug, Default)]
pub struct Account {
    /// Orchestrations by status.
    pub statuses: BTreeMap<String, usize>,
    /// Payments in the provider's ledger.
    pub paid: usize,
    /// What they sum to.
    pub paid_sums: Sums,
    /// What the finished effects should sum to.
    pub expected_sums: Sums,
    /// What is missing: acknowledged requests without orchestration, finished effects without a line in a ledger.
    pub lost: Vec<String>,
    /// What was done beyond what was decided: a second payment, a second closing, a payment nobody decided.
    pub doubled: Vec<String>,
    /// Payments asked for again after they had been taken: a plain retry pays each of them twice.
    pub asked_again: usize,
    /// Answers that the provider lost after it had paid.
    pub answers_lost: usize,
    /// Cases closed, by the CRM's ledger.
    pub closed: usize,
    /// Denied calls: request, action, rule, place, message.
    pub denied: Vec<Json>,
    /// Requests that a veto ended: their message.
    pub vetoed: Vec<Json>,
    /// Verified orchestrations that were equal.
    pub equal: usize,
    /// Verified orchestrations.
    pub verified: usize,
    /// Facts decided again.
    pub facts: u64,
}

impl Account {
    /// Whether nothing was lost or doubled, and everything decides again to the same.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.equal == self.verified && self.paid_sums == self.expected_sums
    }
}

/// Counts.
///
/// # Errors
/// [`Failure`] when the server does not answer or a ledger cannot be read.
pub async fn take(stage: &Stage, sent: &Sent, left: &Left) -> Result<Account, Failure> {
    let mut account = Account::default();
    let mut subjects: BTreeMap<String, usize> = BTreeMap::new();
    let (mut keys, mut closings) = (BTreeMap::new(), BTreeSet::new());
    for item in every(stage).await? {
        let id = text(item.at("/id"));
        let seen = stage.client.get(&format!("/v1/orchestrations/{id}")).await?;
        let subject = text(seen.at("/subject"));
        *subjects.entry(subject.clone()).or_default() += 1;
        *account.statuses.entry(text(seen.at("/status"))).or_default() += 1;
        for effect in seen.at("/effects").as_array().into_iter().flatten().filter(|effect| effect.at("/state") == "done") {
            if text(effect.at("/name")).starts_with("payments.refund") {
                keys.insert(text(effect.at("/key")), subject.clone());
            } else if text(effect.at("/name")).starts_with("crm.close-case") {
                closings.insert(subject.clone());
            }
        }
        judge(stage, &mut account, &id, &subject, sent).await?;
        let found = stage.client.post(&format!("/v1/orchestrations/{id}/verification"), &json!({}), &[]).await?;
        account.verified += 1;
        account.equal += usize::from(found.at("/equal") == true);
        account.facts += found.at("/facts").as_u64().unwrap_or(0);
    }
    account.denied.sort_by_key(|denied| std::cmp::Reverse(denied.at("/amount").as_i64()));
    account.vetoed.sort_by_key(|vetoed| std::cmp::Reverse(vetoed.at("/amount").as_i64()));
    for request in sent.asked.keys() {
        match subjects.get(request).copied().unwrap_or(0) {
            0 => account.lost.push(format!("request {request} has no orchestration")),
            1 => {}
            more => account.doubled.push(format!("request {request} has {more} orchestrations")),
        }
    }
    let read =
        |name: &str| outside::lines(&ledger(stage.folder(), name)).map_err(|e| Failure::new("demo", format!("ledger `{name}`: {e}")));
    payments(&mut account, &read("payments")?, &keys, sent);
    cases(&mut account, &read("crm")?, &closings, left.in_doubt.len());
    Ok(account)
}

/// What policy and the panel refused, from the journal.
async fn judge(stage: &Stage, account: &mut Account, id: &str, subject: &str, sent: &Sent) -> Result<(), Failure> {
    let journal = stage.client.get(&format!("/v1/orchestrations/{id}/journal")).await?;
    let rows = journal.at("/rows").as_array().into_iter().flatten();
    for fact in rows.flat_map(|row| row.at("/payload/facts").as_array().into_iter().flatten()) {
        if fact.at("/judged/answer") == "deny" {
            let (rule, asked) = (fact.at("/judged/rules/0"), sent.asked.get(subject).unwrap_or(&Json::Null));
            account
                .denied
                .push(json!({ "request": subject, "orchestration": id, "action": fact.at("/judged/action"), "rule": rule.at("/id"),
                "at": rule.at("/at"), "amount": asked.at("/amount"), "currency": asked.at("/currency"), "message": asked.at("/message") }));
        }
        if fact.at("/decided").is_object() && fact.at("/decided").to_string().contains("\"veto") {
            let asked = sent.asked.get(subject).unwrap_or(&Json::Null);
            account
                .vetoed
                .push(json!({ "request": subject, "amount": asked.at("/amount"), "currency": asked.at("/currency"), "message": asked.at("/message") }));
        }
    }
    Ok(())
}

/// Each finished effect has exactly one payment, of its amount; each payment belongs to one finished effect.
fn payments(account: &mut Account, lines: &[Json], keys: &BTreeMap<String, String>, sent: &Sent) {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut customers: BTreeMap<String, usize> = BTreeMap::new();
    let mut again = BTreeSet::new();
    for line in lines {
        match line.at("/act").as_str() {
            Some("paid") => {
                *taken.entry(text(line.at("/key"))).or_default() += 1;
                *customers.entry(text(line.at("/body/customer"))).or_default() += 1;
                *account.paid_sums.entry(text(line.at("/body/currency"))).or_default() += line.at("/body/amount").as_i64().unwrap_or(0);
                account.answers_lost += usize::from(line.at("/lost") == true);
            }
            Some("asked-again") => drop(again.insert(text(line.at("/key")))),
            Some(_) | None => {}
        }
    }
    account.paid = taken.len();
    account.asked_again = again.len();
    for (key, request) in keys {
        if !taken.contains_key(key) {
            account.lost.push(format!("the payment of {request} is not in the provider's ledger"));
        }
        let asked = sent.asked.get(request);
        let currency = asked.map(|asked| text(asked.at("/currency"))).unwrap_or_default();
        *account.expected_sums.entry(currency).or_default() += asked.and_then(|asked| asked.at("/amount").as_i64()).unwrap_or(0);
    }
    account.doubled.extend(taken.iter().filter(|(_, times)| **times > 1).map(|(key, _)| format!("key {key} was paid more than once")));
    account
        .doubled
        .extend(taken.keys().filter(|key| !keys.contains_key(*key)).map(|key| format!("key {key} was paid, but is not done here")));
    // Every customer asked once.
    let twice = customers.iter().filter(|(_, times)| **times > 1);
    account.doubled.extend(twice.map(|(customer, _)| format!("customer {customer} was paid more than once")));
}

/// A case is closed at most once; a finished closing is in the ledger.
fn cases(account: &mut Account, lines: &[Json], closings: &BTreeSet<String>, in_doubt: usize) {
    let mut closed: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines {
        *closed.entry(text(line.at("/case"))).or_default() += 1;
    }
    account.closed = closed.len();
    account
        .doubled
        .extend(closed.iter().filter(|(_, times)| **times > 1).map(|(case, _)| format!("case {case} was closed more than once")));
    account
        .lost
        .extend(closings.iter().filter(|case| !closed.contains_key(*case)).map(|case| format!("case {case} is done here, but open there")));
    let beyond = closed.keys().filter(|case| !closings.contains(*case)).count();
    if beyond > in_doubt {
        account.doubled.push(format!("{beyond} cases are closed there without being done here, {in_doubt} are in doubt"));
    }
}
