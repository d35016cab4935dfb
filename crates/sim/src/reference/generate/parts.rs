//! The agents and tables that generated workflows call: one for each way in which they can end.

/// Path and text of each file.
pub(super) const PARTS: [(&str, &str); 13] = [
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
];
