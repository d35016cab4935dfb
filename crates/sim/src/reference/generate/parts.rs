//! The agents and tables that generated workflows call: one for each way in which they can end.

/// Path and text of each file.
pub(super) const PARTS: [(&str, &str); 25] = [
    ("agents/sure.md", "---\nversion: 1.0.0\nmodel: scripted\nexamples: [ { answer: { n: 3, ok: true } } ]\n---\nAnswers.\n"),
    (
        "agents/picky.md",
        "---\nversion: 1.0.0\nmodel: scripted\nexamples:\n  - { when: '.n > 5', answer: { n: 10 } }\n  - { contains: URGENT, answer: { n: 11 } }\n  - { answer: { k: 1 } }\n---\nChooses.\n",
    ),
    (
        "agents/broken.md",
        "---\nversion: 1.0.0\nmodel: scripted\nretry: { delay: { milliseconds: 1111 }, backoff: { linear: {} }, limit: { attempt: { count: 2 } } }\nexamples: [ { fails: out of order } ]\n---\nFails.\n",
    ),
    (
        "agents/slow.md",
        "---\nversion: 1.0.0\nmodel: scripted\nretry: { delay: { milliseconds: 4321 }, backoff: { exponential: {} }, limit: { attempt: { count: 2 } } }\nexamples: [ { fails: too slow } ]\n---\nFails slowly.\n",
    ),
    (
        "agents/shy.md",
        "---\nversion: 1.0.0\nmodel: scripted\nretry: { limit: { attempt: { count: 0 } } }\nfailure: abstain\nexamples: [ { when: '.n > 8', answer: { n: 9 } }, { fails: nothing to say } ]\n---\nAbstains.\n",
    ),
    (
        "agents/fallback.md",
        "---\nversion: 1.0.0\nmodel: scripted\nretry: { delay: { milliseconds: 0 }, limit: { attempt: { count: 1 } } }\nfailure: { default: { n: 7 } }\nexamples: [ { fails: as always } ]\n---\nFalls back.\n",
    ),
    (
        "agents/strict.md",
        "---\nversion: 1.0.0\nmodel: scripted\nretry: { delay: { milliseconds: 777 }, limit: { attempt: { count: 1 } } }\noutput: { type: object, required: [ k ] }\nexamples: [ { when: '.n > 3', answer: { k: 2 } }, { answer: { n: 1 } } ]\n---\nBreaks its contract.\n",
    ),
    (
        "agents/wants.md",
        "---\nversion: 1.0.0\nmodel: scripted\ninput: { type: object, properties: { n: { type: integer, minimum: 2 } } }\nexamples: [ { answer: { n: 4 } } ]\n---\nWants two at least.\n",
    ),
    ("agents/narrow.md", "---\nversion: 1.0.0\nmodel: scripted\nexamples: [ { contains: never there, answer: 1 } ]\n---\nNever answers.\n"),
    (
        "rules/first.yaml",
        "version: 1.0.0\nhit: first\nrows:\n  - { id: small, when: '.n < 5', then: { n: 1 } }\n  - { id: even, when: '.n % 2 == 0', then: { n: 2 } }\notherwise: { n: 3 }\n",
    ),
    (
        "rules/only.yaml",
        "version: 1.0.0\nhit: unique\nrows:\n  - { id: small, when: '.n < 5', then: { n: 1 } }\n  - { id: even, when: '.n % 2 == 0', then: { n: 2 } }\notherwise: { k: 3 }\n",
    ),
    (
        "rules/all.yaml",
        "version: 1.0.0\nhit: collect\nrows:\n  - { id: small, when: '.n < 5', then: 1 }\n  - { id: even, when: '.n % 2 == 0', then: 2 }\n  - { id: any, then: 3 }\n",
    ),
    ("rules/gaps.yaml", "version: 1.0.0\nhit: first\nrows:\n  - { id: small, when: '.n < 5', then: { n: 1 } }\n"),
    (
        "policies/all.cedar",
        r#"@id("all") permit (principal, action, resource);
@id("seen") forbid (principal, action == Action::"guarded", resource) when { context.arguments.n > 10 && !(context has approval) };
@id("always-seen") forbid (principal, action == Action::"guarded", resource) when { context.arguments.n > 20 };
@id("never") forbid (principal, action in [Action::"guarded", Action::"guarded.with-review"], resource) when { context.arguments.n > 30 };
"#,
    ),
    (
        "actions/guarded.yaml",
        "version: 1.0.0\nclass: E1\nqueue: out\nundo: back\nreview: { queue: people, title: 'Send it?', options: [ 'yes', 'no' ] }\nretry: { delay: { milliseconds: 1313 }, limit: { attempt: { count: 1 } } }\n",
    ),
    (
        "actions/back.yaml",
        "version: 1.0.0\nclass: E1\nqueue: out\nretry: { delay: { milliseconds: 1414 }, backoff: { linear: {} }, limit: { attempt: { count: 2 } } }\n",
    ),
    (
        "actions/asked.yaml",
        "version: 1.0.0\nclass: E3\nqueue: out\nundo: back\nlookup: { http: { method: GET, destination: target, path: '/effects/{key}' } }\nsettleMs: 12000\nretry: { delay: { milliseconds: 1212 }, limit: { attempt: { count: 1 } } }\n",
    ),
    (
        "actions/unsay.yaml",
        "version: 2.1.0\nclass: E4\nqueue: out\nretry: { delay: { milliseconds: 555 }, limit: { attempt: { count: 1 } } }\n",
    ),
    (
        "actions/keyed.yaml",
        "version: 1.0.0\nclass: E1\nqueue: out\nundo: back\nretry: { delay: { milliseconds: 1717 }, backoff: { exponential: {} }, limit: { attempt: { count: 2 } } }\n",
    ),
    (
        "actions/natural.yaml",
        "version: 1.0.0\nclass: E2\nqueue: out\nresult: { type: object, properties: { n: { type: integer, maximum: 20 } } }\nretry: { delay: { milliseconds: 0 }, limit: { attempt: { count: 1 } } }\n",
    ),
    (
        "actions/once.yaml",
        "version: 1.0.0\nclass: E4\nqueue: out\nundo: unsay\narguments: { type: object, properties: { n: { type: integer, maximum: 30 } } }\nretry: { delay: { milliseconds: 999 }, limit: { attempt: { count: 2 } } }\n",
    ),
    (
        "workflows/plain.yaml",
        "document: { dsl: '1.0.3', namespace: reference, name: plain, version: '1.0.0' }\ndo:\n  - a: { set: { n: '${ (.n? // 1) + 1 }' } }\n",
    ),
    (
        "workflows/later.yaml",
        "document: { dsl: '1.0.3', namespace: reference, name: later, version: '1.0.0' }\ndo:\n  - a: { wait: '${ { milliseconds: (4321 + (((.n? // 1) | if type == \"number\" then (if . < 0 then 0 - . else . end) else 2 end) * 97)) } }' }\n  - b: { set: { k: '${ $workflow.input.n? // 3 }', at: '${ $task.startedAt.epoch.milliseconds - $workflow.startedAt.epoch.milliseconds }' } }\n",
    ),
    (
        "workflows/raises.yaml",
        "document: { dsl: '1.0.3', namespace: reference, name: raises, version: '1.0.0' }\ndo:\n  - a: { if: '(.n? // 1) != 4', raise: { error: { type: 'https://x.test/oops', status: 503 } } }\n",
    ),
    (
        "workflows/parks.yaml",
        "document: { dsl: '1.0.3', namespace: reference, name: parks, version: '1.0.0' }\ndo:\n  - a: { wait: { milliseconds: 2345 } }\n  - b: { raise: { error: { type: 'https://x.test/other', status: 409 } } }\n",
    ),
];
