//! The account as a table for people, and as one line of JSON.

use crate::demo::At as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::account::{Account, Sums};
use super::people::Left;
use super::story::{Sent, text};
use super::stricter::Stricter;
use crate::say::data;

/// Denied calls shown in full.
const DENIED_SHOWN: usize = 3;

fn money(sums: &Sums) -> String {
    let parts: Vec<String> = sums.iter().map(|(currency, sum)| format!("{currency} {}", amount(*sum))).collect();
    parts.join(" + ")
}

/// Minor units as people write them.
fn amount(minor: i64) -> String {
    let whole = (minor / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{:02}", minor % 100)
}

fn line(name: &str, what: &str) {
    data(&format!("  {name:<22} {what}"));
}

/// Prints the table.
pub fn table(sent: &Sent, left: &Left, account: &Account) {
    let back: Vec<String> = sent.back_ms.iter().map(|ms| format!("{ms} ms")).collect();
    let statuses: Vec<String> = account.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let same = if account.paid_sums == account.expected_sums { "as decided" } else { "NOT as decided" };
    data("\nCOUNTED BY THE OUTSIDE SERVICES AND THE API");
    line("server", &format!("killed {} times in mid-traffic; back in {}", sent.back_ms.len(), back.join(", ")));
    line(
        "events",
        &format!(
            "{} deliveries: {} accepted, {} duplicates, {} rejected; {} acknowledged",
            sent.deliveries,
            sent.accepted,
            sent.duplicates,
            sent.rejected.len(),
            sent.acknowledged.len()
        ),
    );
    line("orchestrations", &statuses.join(", "));
    line("refunds paid", &format!("{} keys, {}: {same}", account.paid, money(&account.paid_sums)));
    line("cases closed", &account.closed.to_string());
    line("lost", &account.lost.len().to_string());
    line("doubled", &account.doubled.len().to_string());
    line(
        "a plain retry",
        &format!("would have paid {} customers twice ({} answers were lost after paying)", account.asked_again, account.answers_lost),
    );
    line("verify", &format!("equal: {} of {}, {} facts decided again", account.equal, account.verified, account.facts));
    for what in account.lost.iter().chain(&account.doubled).chain(&sent.rejected) {
        line("", what);
    }
    denied(account);
    waiting(left);
}

fn denied(account: &Account) {
    data(&format!(
        "\nDENIED  {} calls by policy; {} more requests by the fraud analyst's veto",
        account.denied.len(),
        account.vetoed.len()
    ));
    for denied in account.denied.iter().take(DENIED_SHOWN) {
        let by = format!("by `{}`, {}", text(denied.at("/rule")), text(denied.at("/at")));
        asked(denied, &by);
    }
    for vetoed in account.vetoed.iter().take(DENIED_SHOWN) {
        asked(vetoed, "by veto of fraud-analyst, before policy had to be asked");
    }
}

fn asked(refused: &Json, by: &str) {
    let asked = format!("{} {}", text(refused.at("/currency")), amount(refused.at("/amount").as_i64().unwrap_or(0)));
    data(&format!("  {}  {asked}  {by}", text(refused.at("/request"))));
    data(&format!("      \"{}\"", text(refused.at("/message"))));
}

fn waiting(left: &Left) {
    data(&format!("\nLEFT FOR YOU  {} reviews, {} effect in doubt", left.reviews.len(), left.in_doubt.len()));
    if left.settled > 0 {
        data(&format!("  {} more were in doubt after the kills; a person looked into the CRM and settled them", left.settled));
    }
}

/// What a stricter policy would have said.
pub fn what_if(stricter: &Stricter) {
    data(&format!("\nWHAT IF  {}", super::stricter::rule()));
    let turns: Vec<String> = stricter.flips.iter().map(|(turn, count)| format!("{count} {turn}")).collect();
    data(&format!(
        "  {} of {} verdicts flip ({}); the policy that decided says the same again on {} of {}",
        stricter.flipped(),
        stricter.asked,
        if turns.is_empty() { "none".to_owned() } else { turns.join(", ") },
        stricter.equal,
        stricter.asked
    ));
}

/// What to type next.
pub fn next(folder: &Path, left: &Left) {
    let at = folder.display();
    data("\nWHAT TO TYPE NEXT");
    data(&format!("  provost demo --outside --data {at} &      # the payments provider and the CRM, where they were"));
    data(&format!("  provost serve --data {at} &"));
    for review in &left.reviews {
        let shown = review.at("/show");
        let asked = format!("{} {}", text(shown.at("/currency")), amount(shown.at("/amount").as_i64().unwrap_or(0)));
        data(&format!(
            "  provost approve {} --reason 'looked at the order' --data {at}      # {}, {asked}",
            text(review.at("/id")),
            text(shown.at("/customer"))
        ));
    }
    for effect in &left.in_doubt {
        let evidence = super::stage::ledger(folder, "crm");
        data(&format!("  # case {}: {} shows whether it was closed", super::SILENT_CASE, evidence.display()));
        data(&format!(
            "  provost resolve {} --done --evidence {} --reason 'the CRM shows it closed' --data {at}",
            text(effect.at("/id")),
            evidence.display()
        ));
    }
    data(&format!("  provost verify --all --data {at}"));
}

/// The last line with `--json`.
pub fn summary(folder: &Path, sent: &Sent, left: &Left, account: &Account, stricter: &Stricter, took_ms: u128) -> Json {
    json!({
        "held": account.holds(), "data": folder.display().to_string(), "took_ms": took_ms,
        "kills": sent.back_ms.len(), "back_ms": sent.back_ms,
        "events": { "deliveries": sent.deliveries, "accepted": sent.accepted, "duplicates": sent.duplicates, "rejected": sent.rejected.len(),
            "acknowledged": sent.acknowledged.len() },
        "orchestrations": account.statuses, "paid": account.paid, "paid_sums": account.paid_sums, "expected_sums": account.expected_sums,
        "closed": account.closed, "lost": account.lost.len(), "doubled": account.doubled.len(),
        "answers_lost": account.answers_lost, "plain_retry_doubles": account.asked_again,
        "denied": account.denied.len(), "denied_by": account.denied.iter().map(|d| format!("{} {}", text(d.at("/rule")), text(d.at("/at"))))
            .collect::<std::collections::BTreeSet<_>>(),
        "vetoed": account.vetoed.len(), "in_doubt": left.in_doubt.len(), "settled_by_evidence": left.settled, "reviews_left": left.reviews.len(),
        "what_if": { "asked": stricter.asked, "equal": stricter.equal, "flipped": stricter.flipped(), "turns": stricter.flips },
        "verify": { "equal": account.equal, "of": account.verified, "facts": account.facts },
    })
}
