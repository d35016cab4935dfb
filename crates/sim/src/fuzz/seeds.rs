//! Where each target's cases begin: the repository's own documents, and what was found before.
//!
//! What must stay true: the same files give the same seeds in the same order.

use std::path::{Path, PathBuf};

use provost_language::read_value;
use provost_model::Value;

/// Largest file that is a seed, in bytes: larger ones only slow everything down.
const FILE_BYTES_MAX: usize = 16 << 10;
/// What joins the files of a bundle in one text: a line of its own, with the path behind it.
pub const FILE_MARK: &str = "=== ";

/// The seeds of a target, from the repository at `root`.
///
/// # Errors
/// What cannot be read, or that there is none.
pub fn seeds(root: &Path, target: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut seeds = match target {
        "yaml" | "workflow" => texts(root, &["corpus/language", "corpus/graph", "bundles"], &["yaml", "yml"])?,
        "bundle" => bundles(root)?,
        "expression" => expressions(root)?,
        "contract" => contracts(root)?,
        "value" => texts(root, &["corpus/record", "corpus/expressions"], &["json"])?,
        "event" => events(),
        "plan" => plans(),
        "http" => requests(),
        "record" => texts(root, &["corpus/record"], &["json"])?,
        "policy" => texts(root, &["corpus/policy", "corpus/ctk", "bundles"], &["cedar"])?,
        other => return Err(format!("there is no target `{other}`")),
    };
    seeds.extend(texts(root, &[&format!("corpus/fuzz/{target}")], &["case"])?);
    if seeds.is_empty() {
        return Err(format!("there are no seeds for `{target}` below `{}`", root.display()));
    }
    Ok(seeds)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !folder.is_dir() {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("`{}`: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() { files(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

fn below(root: &Path, folders: &[&str], endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for folder in folders {
        files(&root.join(folder), &mut found)?;
    }
    found.retain(|path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)));
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("`{}`: {error}", path.display()))
}

fn texts(root: &Path, folders: &[&str], endings: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let read: Result<Vec<_>, String> = below(root, folders, endings)?.iter().map(|path| read(path)).collect();
    Ok(read?.into_iter().filter(|bytes| bytes.len() <= FILE_BYTES_MAX).collect())
}

/// Each folder of the language's corpus, and each bundle, as one text.
fn bundles(root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut made = Vec::new();
    for parent in ["corpus/language", "bundles"] {
        let parent = root.join(parent);
        let entries = std::fs::read_dir(&parent).map_err(|error| format!("`{}`: {error}", parent.display()))?;
        let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
        folders.sort();
        for folder in folders {
            let mut found = Vec::new();
            files(&folder, &mut found)?;
            found.sort();
            let mut text = Vec::new();
            for path in found {
                let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
                text.extend_from_slice(format!("{FILE_MARK}{name}\n").as_bytes());
                text.extend(read(&path)?);
                text.push(b'\n');
            }
            made.push(text);
        }
    }
    made.retain(|text| text.len() <= FILE_BYTES_MAX);
    Ok(made)
}

fn expressions(root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut made = Vec::new();
    for file in ["results", "hostile", "refused"] {
        let bytes = read(&root.join(format!("corpus/expressions/{file}.json")))?;
        let cases = provost_model::value::parse(&bytes).map_err(|error| error.to_string())?;
        let of = |case: &Value| case.member("expr").and_then(Value::as_str).map(|text| text.as_bytes().to_vec());
        made.extend(cases.as_array().unwrap_or_default().iter().filter_map(of));
    }
    Ok(made)
}

/// Schemas of every file that holds some, as JSON.
fn contracts(root: &Path) -> Result<Vec<Vec<u8>>, String> {
    let mut made = texts(root, &["bundles", "corpus/ctk/parts/contracts", "corpus/language"], &["json"])?;
    for text in texts(root, &["corpus/hostile"], &["yaml"])? {
        let value = std::str::from_utf8(&text).ok().and_then(|text| read_value(text).ok()).unwrap_or_default();
        for case in value.as_array().unwrap_or_default() {
            let workflow = case.member("workflow").and_then(Value::as_str).and_then(|text| read_value(text).ok());
            let input = workflow.as_ref().and_then(|workflow| workflow.member("input"));
            let schema = input.and_then(|input| input.member("schema")).and_then(|schema| schema.member("document"));
            made.extend(schema.map(|schema| schema.to_string().into_bytes()));
        }
    }
    Ok(made)
}

fn plans() -> Vec<Vec<u8>> {
    let written = [
        r#"{"do":[]}"#,
        r#"{"because":"x","do":[{"a":{"call":"act","with":{"action":"note","arguments":{"n":"${ .n }"}}}},{"b":{"if":".n > 0","set":"${ $plan.outputs.a }"}}]}"#,
        r#"{"do":[{"a":{"call":"agent","with":{"agent":"adviser@1","input":[1,"${ $context.x + 1 }",{"y":"${ $input }"}]}}}]}"#,
        r#"{"do":[{"a":{"set":{"x":"${ [range(10)] | map(. * 2) }"}}},{"a":{"set":null}}]}"#,
        r#"{"do":[{"a":{"call":"act","with":{"action":"pay","arguments":{"by":"${ $secrets.token }"}}}}]}"#,
    ];
    written.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Requests as the target `http` reads them.
fn requests() -> Vec<Vec<u8>> {
    let written = [
        "application/cloudevents+json\n\n{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/shop\",\"type\":\"order.paid.v1\",\"subject\":\"R-1\",\"data\":{\"n\":1}}",
        "application/cloudevents-batch+json; charset=utf-8\n\n[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"},{\"specversion\":\"0.3\",\"id\":\"2\"},7,{\"data_base64\":\"AA==\"}]",
        "application/json\nce-specversion:1.0\nce-id:1\nce-source:/s\nce-type:t%C3%A4%20x\nce-partitionkey:a\ntraceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n\n[1,{\"two\":2.5}]",
        "text/plain\nce-specversion:1.0\nce-id:%\nce-id:2\n\nx",
        "\nce-specversion:1.0\nce-id:1\nce-source:/s\nce-type:t\n\n",
    ];
    written.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn events() -> Vec<Vec<u8>> {
    let written = [
        r#"{"id":"1","source":"/shop","type":"order.paid.v1","subject":"R-1","time":"2026-01-01T00:00:00Z","data":{"n":1}}"#,
        r#"{"id":"2","source":"urn:x","type":"t","hops":3,"extensions":{"partitionkey":"a","number":1,"flag":true},"data":null}"#,
        r#"{"id":"3","source":"/s","type":"t","dataschema":"http://x/y","datacontenttype":"application/json","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","data":[1,"two",{"three":3.5}]}"#,
    ];
    written.iter().map(|text| text.as_bytes().to_vec()).collect()
}
