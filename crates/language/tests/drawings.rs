//! Drawings: `corpus/graph/` holds the ones of this repository's bundles and of a document with every construct, byte for byte.
//! `UPDATE_GOLDEN=1` writes them anew; then the difference is looked at.
#![expect(clippy::unwrap_used, reason = "a missing file is a failed test")]
#![expect(clippy::disallowed_methods, reason = "the test reads the folders that the crate must not")]

mod support;

use provost_language::{Sources, compile, graph, render};
use provost_model::Program;

fn programs(sources: &Sources) -> Vec<Program> {
    let checked = compile(sources);
    assert!(checked.bundle.is_some(), "{}", render(&checked.findings, sources));
    checked.bundle.unwrap().workflows
}

fn one(text: &str) -> Program {
    programs(&Sources::lone("w.yaml", text.as_bytes())).remove(0)
}

fn drawn() -> Vec<(String, String)> {
    let root = support::root();
    let mut all = Vec::new();
    for bundle in ["hello-agent", "refund-triage", "bench"] {
        all.extend(programs(&support::folder(&root.join("bundles").join(bundle))).into_iter().map(|program| (bundle, program)));
    }
    let every = std::fs::read(root.join("corpus/graph/every-construct.yaml")).unwrap();
    all.extend(programs(&Sources::lone("every-construct.yaml", every)).into_iter().map(|program| ("corpus", program)));
    let forms = |(bundle, program): &(&str, Program)| {
        let name = format!("{bundle}.{}", program.name);
        [(format!("{name}.svg"), graph::svg(program)), (format!("{name}.mmd"), graph::mermaid(program))]
    };
    all.iter().flat_map(forms).collect()
}

#[test]
fn drawings_are_the_same_byte_for_byte() {
    let folder = support::root().join("corpus/graph");
    let mut wrong = Vec::new();
    for (name, text) in drawn() {
        let path = folder.join(&name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} differ: run with UPDATE_GOLDEN=1 and look at the difference");
}

#[test]
fn what_a_plan_may_call_is_visible() {
    let files = [
        (
            "workflows/w.yaml",
            "document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }\ndo:\n  - settle: { call: plan, with: { agent: planner, goal: tidy up, allow: [ find, { agent: planner } ] } }\n",
        ),
        ("agents/planner.md", "---\nversion: 1.0.0\nmodel: scripted\nexamples: [ { answer: { do: [] } } ]\n---\nProposes.\n"),
        ("actions/find.yaml", "version: 1.0.0\nclass: E2\nqueue: out\n"),
    ];
    let sources: Sources = files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
    let program = programs(&sources).remove(0);
    for text in [graph::svg(&program), graph::mermaid(&program)] {
        for word in ["plan", "by planner@1", "tidy up", "may act find@1", "may agent planner@1"] {
            assert!(text.contains(word), "`{word}` is missing in\n{text}");
        }
        assert!(!text.contains("may set"), "{text}");
    }
}

#[test]
fn effects_and_people_are_visible() {
    let sources = support::folder(&support::root().join("bundles/refund-triage"));
    let program = programs(&sources).remove(0);
    for text in [graph::svg(&program), graph::mermaid(&program)] {
        for word in ["E1", "E4", "money out", "review refunds-l2", "com.acme.refund.requested.v1", "com.acme.refund.decided.v1", "obvious"]
        {
            assert!(text.contains(word), "`{word}` is missing in\n{text}");
        }
    }
}

const HOSTILE: &str = r##"document: { dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }
do:
  - "</text></svg><script>alert(1)</script>\"]:::x --> t9": { set: { a: 1 } }
  - "%%{init: {}}%%; click t0 call x()`": { wait: { seconds: 1 } }
  - s: { switch: [ { "\"| t0 & <img src=x onerror=y>": { when: '.a == "</style>"', then: end } } ] }
"##;

#[test]
fn names_are_text_and_never_markup() {
    let program = one(HOSTILE);
    let svg = graph::svg(&program);
    let allowed = ["svg", "title", "desc", "style", "rect", "text", "path", "circle", "g"];
    for tag in svg.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        assert!(allowed.contains(&name), "<{tag}");
    }
    assert!(svg.contains("&lt;script&gt;") && svg.contains("&lt;img src=x") && !svg.contains('\u{202e}'), "{svg}");
    let mermaid = graph::mermaid(&program);
    for line in mermaid.lines().filter(|line| line.contains('"')) {
        assert_eq!(line.matches('"').count(), 2, "{line}");
        let inside = line.split('"').nth(1).unwrap().replace("<br/>", "");
        assert!(!inside.contains(['<', '>', '`', '[', ']', '{', '}', '|', '&', '%']), "{line}");
    }
}

#[test]
fn drawings_are_bounded() {
    let tasks: String =
        (0..5000).map(|at| format!("  - task{at}: {{ fork: {{ branches: [ {{ a: {{ set: {{ x: 1 }} }} }} ] }} }}\n")).collect();
    let program = one(&format!("document: {{ dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }}\ndo:\n{tasks}"));
    let svg = graph::svg(&program);
    assert!(svg.len() < 400_000 && svg.contains("… and 4880 more"), "{} bytes", svg.len());
    assert!(graph::mermaid(&program).len() < 100_000);
}

#[test]
fn jumps_into_a_fold_lead_to_it() {
    let tasks: String = (0..300).map(|at| format!("  - task{at}: {{ set: {{ x: 1 }} }}\n")).collect();
    let program = one(&format!(
        "document: {{ dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }}\ndo:\n  - far: {{ set: {{ x: 1 }}, then: task250 }}\n{tasks}"
    ));
    let mermaid = graph::mermaid(&program);
    let fold = mermaid.lines().find(|line| line.contains("… and")).unwrap().trim().split('[').next().unwrap().to_owned();
    assert!(mermaid.contains(&format!("  t0 --> {fold}\n")), "{mermaid}");
}
