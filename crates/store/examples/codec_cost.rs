//! What compressing payload cells would save and cost: one typical transition after another, each alone, as a row is stored.
//!
//! Prints bytes and nanoseconds per row for plain JSON, zstd level 1, and zstd level 1 with a dictionary that is one row of another
//! tenant (so that it knows the record's words and none of the row's own).

use std::io::{Error, Write};
use std::time::Instant;

use provost_model::record::Transition;
use provost_model::{Digest, OrchestrationId, Slot};

const ROWS: u64 = 20_000;

fn main() -> Result<(), Error> {
    let rows: Vec<Vec<u8>> = (0..ROWS).map(|n| row(n, "acme")).collect();
    for row in rows.iter().take(10) {
        Transition::decode(row).map_err(Error::other)?;
    }
    let plain: usize = rows.iter().map(Vec::len).sum();
    let dictionary = [row(900_000_001, "another"), row(900_000_002, "another")].concat();
    let mut out = std::io::stdout();
    writeln!(out, "plain            {:5} bytes/row", plain / rows.len())?;
    report(&mut out, "zstd 1", &rows, &[])?;
    report(&mut out, "zstd 1 + words", &rows, &dictionary)
}

fn report(out: &mut impl Write, name: &str, rows: &[Vec<u8>], dictionary: &[u8]) -> Result<(), Error> {
    let mut press = zstd::bulk::Compressor::with_dictionary(1, dictionary)?;
    let mut open = zstd::bulk::Decompressor::with_dictionary(dictionary)?;
    let begin = Instant::now();
    let pressed = rows.iter().map(|row| press.compress(row)).collect::<Result<Vec<_>, _>>()?;
    let in_ns = begin.elapsed().as_nanos() / rows.len() as u128;
    let begin = Instant::now();
    for (cell, row) in pressed.iter().zip(rows) {
        if open.decompress(cell, row.len())? != *row {
            return Err(Error::other("a cell did not come back"));
        }
    }
    let out_ns = begin.elapsed().as_nanos() / rows.len() as u128;
    let bytes: usize = pressed.iter().map(Vec::len).sum();
    writeln!(out, "{name:16} {:5} bytes/row, {in_ns} ns in, {out_ns} ns out", bytes / rows.len())
}

/// The outcome of one task and the intention of the next, with its verdict.
fn row(n: u64, tenant: &str) -> Vec<u8> {
    let id = OrchestrationId::mint(
        1_763_000_000_000_000 + i64::from(n as u32) * 1000,
        Slot((n % 4096) as u16),
        &[&n.to_be_bytes(), tenant.as_bytes()],
    );
    let (done, next) = (id.effect("do/check", "run"), id.effect("do/score", "run"));
    let digest = |what: &str| Digest::of(format!("{tenant}{what}").as_bytes());
    let own = |what: &str| Digest::of(format!("{tenant}{what}{n}").as_bytes());
    let now_us = 1_763_000_000_000_000_u64 + n * 977;
    format!(
        r#"{{"command":{{"outcome":{{"effect":"{done}","attempt":1,"result":{{"done":{{"value":{{"amount":{},"currency":"EUR","customer":"c-{n}","score":0.{}}}}}}},"worker":"local-1","took_ms":{}}}}},"ambient":{{"now_us":{now_us},"seed":{},"verdicts":[{{"request":"{}","answer":"allow","rules":[],"layer":"bundle","bundle":"{}","tenant":"{}","guard":3}}]}},"facts":[{{"attempted":{{"effect":"{done}","attempt":1}}}},{{"completed":{{"at":"do/check","task":2,"effect":"{done}"}}}},{{"judged":{{"at":"do/score","action":"agent.start","resource":"score@1","answer":"allow"}}}},{{"intended":{{"effect":"{next}","at":"do/score","kind":"agent","name":"score@1","class":"E0","key":"efk1_{}","fingerprint":"{}"}}}}],"intents":[{{"attempt":{{"effect":"{next}","attempt":1}}}}]}}"#,
        n * 7919 % 100_000,
        n * 104_729 % 1000,
        n % 60,
        n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1,
        own("request"),
        digest("bundle"),
        digest("tenant"),
        own("key").hex(),
        own("fingerprint"),
    )
    .into_bytes()
}
