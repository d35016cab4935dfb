//! The verbs, one file each; a verb's doc comment is its manual.

mod act;
mod apply;
mod check;
mod conformance;
mod demo;
mod diff;
mod emit;
mod explain;
mod graph;
mod look;
mod rebuild;
mod schema;
mod serve;
mod start;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::client::Target;
use crate::say::Failure;

/// Provost runs AI agents the way a bank runs payments: after any crash nothing is lost, nothing is paid twice, and you can say why.
#[derive(Debug, Parser)]
#[command(name = "provost", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    target: Target,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value = "table")]
    output: Output,
    /// Short for `--output json`.
    #[arg(long, global = true, conflicts_with = "output")]
    json: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON document per line.
    Jsonl,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Serve),
    Check(check::Check),
    Graph(graph::Graph),
    Schema(schema::Schema),
    Diff(diff::Diff),
    Apply(apply::Apply),
    Start(start::Start),
    Emit(emit::Emit),
    List(look::List),
    Get(look::Get),
    Journal(look::Journal),
    Explain(explain::Explain),
    Verify(verify::Verify),
    Rebuild(rebuild::Rebuild),
    Approve(act::Approve),
    Reject(act::Reject),
    Resolve(act::Resolve),
    Redrive(act::Redrive),
    Cancel(act::Cancel),
    Guard(act::SetGuard),
    Token(act::Token),
    Revoke(act::Revoke),
    Policies(act::Policies),
    Demo(demo::Demo),
    #[command(hide = true)]
    Conformance(conformance::Conformance),
    #[command(hide = true)]
    DemoService(crate::demo::outside::DemoService),
}

/// Runs the verb.
///
/// # Errors
/// [`Failure`] for people, with its code.
pub async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { verb, target, output, json } = arguments;
    let output = if json { Output::Json } else { output };
    match verb {
        Verb::Serve(verb) => verb.run(&target).await,
        Verb::Check(verb) => verb.run(output),
        Verb::Graph(verb) => verb.run(),
        Verb::Schema(verb) => verb.run(),
        Verb::Diff(verb) => verb.run(&target, output).await,
        Verb::Apply(verb) => verb.run(&target, output).await,
        Verb::Start(verb) => verb.run(&target, output).await,
        Verb::Emit(verb) => verb.run(&target, output).await,
        Verb::List(verb) => verb.run(&target, output).await,
        Verb::Get(verb) => verb.run(&target, output).await,
        Verb::Journal(verb) => verb.run(&target, output).await,
        Verb::Explain(verb) => verb.run(&target, output).await,
        Verb::Verify(verb) => verb.run(&target, output).await,
        Verb::Rebuild(verb) => tokio::task::block_in_place(|| verb.run(&target, output)),
        Verb::Approve(verb) => verb.run(&target, output).await,
        Verb::Reject(verb) => verb.run(&target, output).await,
        Verb::Resolve(verb) => verb.run(&target, output).await,
        Verb::Redrive(verb) => verb.run(&target, output).await,
        Verb::Cancel(verb) => verb.run(&target, output).await,
        Verb::Guard(verb) => verb.run(&target, output).await,
        Verb::Token(verb) => verb.run(&target, output).await,
        Verb::Revoke(verb) => verb.run(&target, output).await,
        Verb::Policies(verb) => verb.run(&target, output).await,
        Verb::Demo(verb) => verb.run(&target, output).await,
        Verb::Conformance(verb) => verb.run(output),
        Verb::DemoService(verb) => tokio::task::block_in_place(|| verb.run()),
    }
}

/// A JSON argument: `@file`, `-` for standard input, or JSON as written.
pub(crate) fn json_argument(text: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let unreadable = |e: std::io::Error| Failure::new("unreadable", format!("`{text}` cannot be read: {e}"));
    match text.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(unreadable),
        None if text == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(unreadable)?;
            Ok(bytes)
        }
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// Parses JSON that a person wrote.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<serde_json::Value, Failure> {
    let value = provost_model::value::parse(bytes).map_err(|e| Failure::new("malformed", format!("the JSON cannot be taken: {e}")))?;
    serde_json::to_value(&value).map_err(|e| Failure::new("malformed", e.to_string()))
}

/// One document as `--output` says: on several lines, or on one.
pub(crate) fn document(output: Output, json: &serde_json::Value) -> String {
    match output {
        Output::Jsonl => json.to_string(),
        Output::Table | Output::Json => pretty(json),
    }
}

/// Pretty JSON.
pub(crate) fn pretty(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}
