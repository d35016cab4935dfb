//! Which functions and variables authors may name, and what to say about the others.
//!
//! What must stay true: a name that is not listed is an error; everything listed gives the same answer on every machine.

/// Functions authors may call, with their numbers of arguments.
pub(super) const FUNCTIONS: &[(&str, &[usize])] = &[
    ("@base64", &[0]),
    ("@base64d", &[0]),
    ("@csv", &[0]),
    ("@html", &[0]),
    ("@json", &[0]),
    ("@sh", &[0]),
    ("@text", &[0]),
    ("@tsv", &[0]),
    ("@uri", &[0]),
    ("IN", &[1, 2]),
    ("INDEX", &[1, 2]),
    ("abs", &[0]),
    ("add", &[0, 1]),
    ("all", &[0, 1, 2]),
    ("any", &[0, 1, 2]),
    ("arrays", &[0]),
    ("ascii_downcase", &[0]),
    ("ascii_upcase", &[0]),
    ("booleans", &[0]),
    ("capture", &[1, 2]),
    ("ceil", &[0]),
    ("contains", &[1]),
    ("date", &[0]),
    ("del", &[1]),
    ("delpaths", &[1]),
    ("empty", &[0]),
    ("endswith", &[1]),
    ("error", &[0, 1]),
    ("explode", &[0]),
    ("fabs", &[0]),
    ("false", &[0]),
    ("first", &[0, 1]),
    ("flatten", &[0, 1]),
    ("floor", &[0]),
    ("from_entries", &[0]),
    ("fromdate", &[0]),
    ("fromdateiso8601", &[0]),
    ("fromjson", &[0]),
    ("getpath", &[1]),
    ("gmtime", &[0]),
    ("group_by", &[1]),
    ("gsub", &[2, 3]),
    ("has", &[1]),
    ("implode", &[0]),
    ("in", &[1]),
    ("index", &[1]),
    ("indices", &[1]),
    ("inside", &[1]),
    ("isempty", &[1]),
    ("iterables", &[0]),
    ("join", &[1]),
    ("keys", &[0]),
    ("keys_unsorted", &[0]),
    ("last", &[0, 1]),
    ("leaf_paths", &[0]),
    ("length", &[0]),
    ("limit", &[2]),
    ("ltrim", &[0]),
    ("ltrimstr", &[1]),
    ("map", &[1]),
    ("map_values", &[1]),
    ("match", &[1, 2]),
    ("max", &[0]),
    ("max_by", &[1]),
    ("min", &[0]),
    ("min_by", &[1]),
    ("mktime", &[0]),
    ("not", &[0]),
    ("nth", &[1, 2]),
    ("null", &[0]),
    ("nulls", &[0]),
    ("numbers", &[0]),
    ("objects", &[0]),
    ("path", &[1]),
    ("paths", &[0, 1]),
    ("pick", &[1]),
    ("range", &[1, 2, 3]),
    ("recurse", &[0]),
    ("reverse", &[0]),
    ("rindex", &[1]),
    ("round", &[0]),
    ("rtrim", &[0]),
    ("rtrimstr", &[1]),
    ("scalars", &[0]),
    ("scan", &[1, 2]),
    ("select", &[1]),
    ("setpath", &[2]),
    ("skip", &[2]),
    ("sort", &[0]),
    ("sort_by", &[1]),
    ("split", &[1, 2]),
    ("splits", &[1, 2]),
    ("sqrt", &[0]),
    ("startswith", &[1]),
    ("strings", &[0]),
    ("sub", &[2, 3]),
    ("test", &[1, 2]),
    ("to_entries", &[0]),
    ("toarray", &[0]),
    ("todate", &[0]),
    ("todateiso8601", &[0]),
    ("tojson", &[0]),
    ("tonumber", &[0]),
    ("tostring", &[0]),
    ("transpose", &[0]),
    ("trim", &[0]),
    ("trimstr", &[1]),
    ("true", &[0]),
    ("trunc", &[0]),
    ("type", &[0]),
    ("unique", &[0]),
    ("unique_by", &[1]),
    ("utf8bytelength", &[0]),
    ("values", &[0]),
    ("walk", &[1]),
    ("with_entries", &[1]),
];

/// Filters of jaq-core's own prelude that are used.
pub(super) const FROM_CORE: &[(&str, usize)] = &[
    ("empty", 0),
    ("not", 0),
    ("select", 1),
    ("tostring", 0),
    ("range", 1),
    ("range", 2),
    ("paths", 0),
    ("paths", 1),
    ("getpath", 1),
    ("setpath", 2),
    ("map", 1),
    ("map_values", 1),
    ("walk", 1),
    ("first", 0),
    ("last", 0),
    ("nth", 1),
    ("nth", 2),
    ("isempty", 1),
    ("all", 2),
    ("any", 2),
    ("all", 1),
    ("any", 1),
    ("all", 0),
    ("any", 0),
];

/// Variables every expression may read.
pub const GLOBALS: [&str; 8] = ["context", "input", "output", "secrets", "authorization", "task", "workflow", "runtime"];

/// Why a function of jq is refused, and what to write instead.
pub(super) fn refused(name: &str) -> Option<(&'static str, &'static str)> {
    const CLOCK: (&str, &str) = ("reads the clock or a time zone", "use the recorded `$workflow.startedAt` or `$task.startedAt`");
    const DATE: (&str, &str) =
        ("is not part of the profile", "use `fromdate`, `todate`, `gmtime` and `mktime`; RFC 3339 text in UTC sorts and compares as text");
    const WORLD: (&str, &str) = ("reaches outside the expression", "read what you need from `.`, `$input` or `$context`");
    const LOOP: (&str, &str) = ("may never end", "use `range`, `limit`, `reduce` or `..`, which are bounded");
    const MATH: (&str, &str) = ("differs between machines", "compute it in an agent or action and use its recorded result");
    const MODULES: (&str, &str) = ("loads other files", "write the filter out, or `def` it in the expression");
    Some(match name {
        "now" | "localtime" | "strflocaltime" => CLOCK,
        "strftime" | "strptime" | "dateadd" | "datesub" => DATE,
        "env" | "$ENV" | "$__prog_args" | "$__loc__" | "input" | "inputs" | "debug" | "stderr" | "halt" | "halt_error"
        | "input_filename" | "input_line_number" | "get_search_list" | "modulemeta" => WORLD,
        "repeat" | "recurse" | "while" | "until" => LOOP,
        "pow" | "pow10" | "log" | "log2" | "log10" | "log1p" | "exp" | "exp2" | "exp10" | "expm1" | "sin" | "cos" | "tan" | "asin"
        | "acos" | "atan" | "atan2" | "sinh" | "cosh" | "tanh" | "asinh" | "acosh" | "atanh" | "cbrt" | "gamma" | "lgamma" | "tgamma"
        | "frexp" | "ldexp" | "scalb" | "scalbln" | "significand" | "logb" | "drem" | "fma" | "fmod" | "hypot" | "nearbyint" | "rint"
        | "modf" | "nan" | "infinite" | "isnan" | "isinfinite" | "isnormal" | "random" => MATH,
        "import" | "include" | "module" => MODULES,
        _ => return None,
    })
}

/// The known name nearest to `name`, if one is near.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = (name.len() / 3).max(1);
    known.map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= far).min().map(|(_, k)| k)
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for ((cb, above), above_right) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            last = (last + 1).min(above_right + 1).min(above + usize::from(ca != *cb));
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
