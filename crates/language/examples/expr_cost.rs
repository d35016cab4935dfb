//! Prints what one evaluation of a typical condition costs, in nanoseconds, over a document of about 2 KiB.
//!
//! Run it with `cargo run --release -p provost-language --example expr_cost`.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a measure reads the clock and prints")]

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use provost_language::expr::{EvalError, Fuel, Module, Source, Variables};
use provost_model::Value;

const ROUNDS: u32 = 200_000;

fn document() -> Value {
    let item = |n: i64| {
        let text = |name: &str| Value::from(format!("{name}-{n:04}-abcdefgh"));
        Value::object([("sku", text("sku")), ("name", text("name")), ("quantity", Value::Int(n)), ("price", Value::Int(n * 100))])
    };
    Value::object([
        ("customer", Value::object([("tier", Value::from("gold")), ("name", Value::from("Ada"))])),
        ("order", Value::object([("total", Value::Int(150)), ("items", Value::array((0..21).map(item)))])),
        ("region", Value::from("eu-west")),
    ])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = document();
    let mut out = std::io::stdout().lock();
    writeln!(out, "document: {} bytes", input.to_string().len())?;
    let texts = [
        ".order.total",
        ".order.total > 100 and .customer.tier == \"gold\"",
        "$context.customer.tier == \"gold\"",
        "[.order.items[] | select(.price > 1000) | .sku]",
        "{total: .order.total, tier: .customer.tier, label: \"\\(.region)/\\(.customer.name)\"}",
        ".order.total += 1",
    ];
    let sources: Vec<Source<'_>> = texts.iter().map(|text| Source::new(text)).collect();
    let begun = Instant::now();
    let module = Module::compile(&sources).map_err(|errors| format!("{errors:?}"))?;
    writeln!(out, "compile: {} us for {} expressions", begun.elapsed().as_micros(), module.len())?;
    let variables = Variables::new().with("context", input.clone());
    for (index, text) in (0_u32..).zip(texts) {
        let (_, burned) = module.evaluate_counted(index, &input, &variables, Fuel::default());
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            let result: Result<Value, EvalError> = module.evaluate(index, black_box(&input), &variables, Fuel::default());
            black_box(result)?;
        }
        let nanos = begun.elapsed().as_nanos() / u128::from(ROUNDS);
        writeln!(out, "{nanos:>7} ns  {:>5} units  {text}", burned.units)?;
    }
    Ok(())
}
