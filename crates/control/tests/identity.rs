//! Tokens: their form, typos, whom they belong to, and that nothing stored lets anybody in.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use provost_control::{Control, ControlCommand, ControlTransition, Principals, ServerKey, TokenError, TokenSecret, decide, loopback};
use provost_model::who::{Known, Who};
use provost_model::{TenantId, Value};
use provost_telemetry::Secret;

const NOW_US: i64 = 1_700_000_000_000_000;

fn token(seed: u8) -> TokenSecret {
    TokenSecret::from_random(&Secret::new(std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8))))
}

fn key(seed: u8) -> ServerKey {
    ServerKey::new(Secret::new([seed; 32]))
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// A journal with its state, to which commands are applied as they would be for real.
struct Journal {
    control: Control,
    rows: Vec<Vec<u8>>,
}

impl Journal {
    fn new(name: &str) -> Self {
        let mut journal = Self { control: Control::new(tenant(name)), rows: Vec::new() };
        journal.apply(ControlCommand::CreateTenant { by: Who::system(), reason: "first start".into() });
        journal
    }

    fn apply(&mut self, command: ControlCommand) {
        let facts = decide(&self.control, &command, NOW_US).unwrap();
        facts.iter().for_each(|fact| self.control.evolve(fact));
        self.rows.push(ControlTransition { command: Some(command), facts }.encode().unwrap());
    }

    fn create(&mut self, name: &str, token: &TokenSecret, expires_at_us: Option<i64>) {
        self.apply(ControlCommand::CreatePrincipal {
            name: name.into(),
            roles: vec!["refunds-l2".into(), "admin".into()],
            token_hash: token.hash(&key(1)),
            prefix: token.prefix().into(),
            expires_at_us,
            by: Who::system(),
            reason: "CHG-1".into(),
        });
    }

    fn revoke(&mut self, name: &str) {
        self.apply(ControlCommand::RevokePrincipal { name: name.into(), by: Who::system(), reason: "left".into() });
    }

    /// Everything the journal and its state would show somebody who stole them.
    fn dump(&self) -> String {
        let rows: String = self.rows.iter().map(|row| String::from_utf8(row.clone()).unwrap()).collect();
        format!("{rows}\n{}\n{:?}", serde_json::to_string(&self.control.principals).unwrap(), self.control)
    }
}

fn principals(journals: &[&Journal]) -> Principals {
    let mut principals = Principals::new();
    journals.iter().for_each(|journal| principals.refresh(&journal.control));
    principals
}

/// Golden, computed with another implementation of base32, SHA-256 and HMAC: tokens that people hold must stay good for ever.
#[test]
fn the_form_of_a_token_and_its_hash_never_change() {
    let token = TokenSecret::from_random(&Secret::new(std::array::from_fn(|at| at as u8)));
    assert_eq!(token.reveal(), "pvt_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypqltbkhl");
    assert_eq!(token.hash(&key(7)).to_string(), "hmac-sha256:752f6467518de5c052d7f8fc74c692867e1e8322d90f5413eda426b533a144a2");
}

#[test]
fn a_token_leads_to_its_own_tenant_and_name() {
    let (mut acme, mut umbra) = (Journal::new("acme"), Journal::new("umbra"));
    acme.create("maria.k", &token(1), None);
    umbra.create("maria.k", &token(2), None);
    let principals = principals(&[&acme, &umbra]);
    let (owner, who) = principals.authenticate(token(1).reveal(), &key(1), NOW_US).unwrap();
    assert_eq!(owner, tenant("acme"));
    assert_eq!(who, Who { name: "maria.k".into(), known: Known::Token, roles: vec!["admin".into(), "refunds-l2".into()] });
    assert_eq!(principals.authenticate(token(2).reveal(), &key(1), NOW_US).unwrap().0, tenant("umbra"));
    assert_eq!(principals.authenticate(token(3).reveal(), &key(1), NOW_US), None, "unknown");
    assert_eq!(principals.authenticate(token(1).reveal(), &key(2), NOW_US), None, "another server's key");
    assert_eq!(principals.len(), 2);
}

#[test]
fn what_one_tenant_changes_leaves_the_other_alone() {
    let (mut acme, mut umbra) = (Journal::new("acme"), Journal::new("umbra"));
    acme.create("maria.k", &token(1), None);
    umbra.create("maria.k", &token(2), None);
    let mut principals = principals(&[&acme, &umbra]);
    let before = umbra.control.clone();
    acme.revoke("maria.k");
    acme.apply(ControlCommand::SetGuard {
        guard: Value::object([("tenantStopped", Value::Bool(true))]),
        if_revision: None,
        by: Who::system(),
        reason: "INC-1".into(),
    });
    principals.refresh(&acme.control);
    assert_eq!(principals.authenticate(token(1).reveal(), &key(1), NOW_US), None, "revoked");
    assert_eq!(principals.authenticate(token(2).reveal(), &key(1), NOW_US).unwrap().0, tenant("umbra"));
    assert_eq!(umbra.control, before);
    assert!(umbra.control.guard().unwrap().is_open() && !acme.control.guard().unwrap().is_open());
    assert_eq!(principals.len(), 1);
}

#[test]
fn the_same_token_text_in_two_tenants_of_one_prefix_is_told_apart_by_its_hash() {
    let mut journal = Journal::new("acme");
    let (one, two) = (token(1), TokenSecret::from_random(&Secret::new(std::array::from_fn(|at| if at < 8 { 31 + at as u8 } else { 9 }))));
    assert_eq!(one.prefix(), two.prefix());
    journal.create("maria.k", &one, None);
    journal.create("tom.b", &two, None);
    let principals = principals(&[&journal]);
    assert_eq!(&*principals.authenticate(one.reveal(), &key(1), NOW_US).unwrap().1.name, "maria.k");
    assert_eq!(&*principals.authenticate(two.reveal(), &key(1), NOW_US).unwrap().1.name, "tom.b");
}

#[test]
fn a_token_ends_when_it_was_said_to_and_a_new_one_takes_its_name() {
    let mut journal = Journal::new("acme");
    journal.create("maria.k", &token(1), Some(NOW_US + 10));
    let before = principals(&[&journal]);
    assert!(before.authenticate(token(1).reveal(), &key(1), NOW_US + 9).is_some());
    assert_eq!(before.authenticate(token(1).reveal(), &key(1), NOW_US + 10), None);
    journal.revoke("maria.k");
    journal.create("maria.k", &token(2), None);
    let after = principals(&[&journal]);
    assert_eq!(after.authenticate(token(1).reveal(), &key(1), NOW_US), None);
    assert!(after.authenticate(token(2).reveal(), &key(1), NOW_US).is_some());
}

#[test]
fn a_stolen_dump_lets_nobody_in() {
    let mut journal = Journal::new("acme");
    journal.create("maria.k", &token(1), None);
    journal.create("tom.b", &token(2), None);
    journal.revoke("tom.b");
    let (dump, principals) = (journal.dump(), principals(&[&journal]));
    for secret in [token(1), token(2)] {
        let body = secret.reveal().strip_prefix(secret.prefix()).unwrap();
        assert!(dump.contains(secret.prefix()));
        // no part of what follows the prefix stands anywhere
        for part in body.as_bytes().windows(8) {
            assert!(!dump.contains(std::str::from_utf8(part).unwrap()));
        }
    }
    for word in dump.split(|c: char| !c.is_ascii_alphanumeric() && !"_:-".contains(c)) {
        assert_eq!(principals.authenticate(word, &key(1), NOW_US), None, "{word}");
    }
    assert!(!format!("{:?}", token(1)).contains(token(1).prefix()), "a token cannot be printed by accident");
    assert!(!format!("{:?}", key(1)).contains('1'));
}

#[test]
fn text_that_is_no_token_is_refused_without_repeating_it() {
    let good = token(1);
    assert_eq!(good.reveal().len(), 62);
    assert!(TokenSecret::parse(good.reveal()).is_ok());
    for wrong in
        ["", "pvt_", "Bearer x", &good.reveal().to_uppercase(), &format!("{} ", good.reveal()), &good.reveal().replace("pvt_", "pat_")]
    {
        let error = TokenSecret::parse(wrong).unwrap_err();
        assert_eq!(error, TokenError::Shape, "{wrong}");
        assert!(wrong.len() < 8 || !error.to_string().contains(wrong));
    }
}

#[test]
fn loopback_names_are_marked_and_cannot_be_forged_by_odd_user_names() {
    assert_eq!(&*loopback("maria").name, "local:maria");
    assert_eq!(loopback("maria").known, Known::Loopback);
    assert_eq!(&*loopback("a b\n\"c").name, "local:abc");
    assert_eq!(&*loopback("").name, "local:user");
    assert!(!loopback("maria").differs_for_four_eyes(&loopback("tom")));
}

proptest! {
    #[test]
    fn tokens_read_back_and_keep_their_hash(bytes in any::<[u8; 32]>(), server in any::<[u8; 32]>()) {
        let token = TokenSecret::from_random(&Secret::new(bytes));
        let read = TokenSecret::parse(token.reveal()).unwrap();
        let key = ServerKey::new(Secret::new(server));
        prop_assert_eq!(read.hash(&key), token.hash(&key));
        let written = serde_json::to_string(&token.hash(&key)).unwrap();
        prop_assert_eq!(serde_json::from_str::<provost_control::TokenHash>(&written).unwrap(), token.hash(&key));
    }

    /// One character changed, or two neighbours swapped: refused by the checksum, before any keyed hash.
    #[test]
    fn typos_are_refused_by_the_checksum(bytes in any::<[u8; 32]>(), at in 4_usize..61, other in 0_usize..31) {
        let token = TokenSecret::from_random(&Secret::new(bytes));
        let text = token.reveal().as_bytes();
        let mut changed = text.to_vec();
        let letters: Vec<u8> = b"abcdefghijklmnopqrstuvwxyz234567".iter().copied().filter(|c| Some(c) != text.get(at)).collect();
        changed.splice(at..=at, letters.get(other).copied());
        prop_assert_eq!(TokenSecret::parse(std::str::from_utf8(&changed).unwrap()).unwrap_err(), TokenError::Checksum);
        let mut swapped = text.to_vec();
        swapped.swap(at, at + 1);
        let swapped: Arc<str> = String::from_utf8(swapped).unwrap().into();
        prop_assert!(swapped.as_bytes() == text || TokenSecret::parse(&swapped).unwrap_err() == TokenError::Checksum);
    }
}
