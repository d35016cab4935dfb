//! Walks the tokens of a source, macro bodies included, comments and texts excluded.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// Calls `see` at every token with the rest of its group, outermost group first.
pub fn walk(stream: &TokenStream, see: &mut dyn FnMut(&[TokenTree])) {
    let trees: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut rest = trees.as_slice();
    while let [first, tail @ ..] = rest {
        see(rest);
        if let TokenTree::Group(group) = first {
            walk(&group.stream(), see);
        }
        rest = tail;
    }
}

/// An attribute: its name and all that stands in the brackets.
pub struct Attribute {
    /// Line of the `#`.
    pub line: usize,
    /// First word in the brackets.
    pub name: String,
    /// All between the brackets.
    pub content: TokenStream,
}

/// Every attribute of the stream, inner and outer, in macro bodies too.
pub fn attributes(stream: &TokenStream) -> Vec<Attribute> {
    let mut found = Vec::new();
    walk(stream, &mut |rest| {
        let (line, after) = match rest {
            [TokenTree::Punct(hash), TokenTree::Punct(bang), after @ ..] if hash.as_char() == '#' && bang.as_char() == '!' => {
                (hash.span().start().line, after)
            }
            [TokenTree::Punct(hash), after @ ..] if hash.as_char() == '#' => (hash.span().start().line, after),
            _ => return,
        };
        if let [TokenTree::Group(group), ..] = after
            && group.delimiter() == Delimiter::Bracket
            && let Some(TokenTree::Ident(name)) = group.stream().into_iter().next()
        {
            found.push(Attribute { line, name: name.to_string(), content: group.stream() });
        }
    });
    found
}

/// The content of each `name(…)` in the stream, at any depth.
pub fn lists(stream: &TokenStream, name: &str) -> Vec<TokenStream> {
    let mut found = Vec::new();
    walk(stream, &mut |rest| {
        if let [TokenTree::Ident(ident), TokenTree::Group(group), ..] = rest
            && ident == name
            && group.delimiter() == Delimiter::Parenthesis
        {
            found.push(group.stream());
        }
    });
    found
}

/// Whether the stream names `word` at any depth.
pub fn names(stream: &TokenStream, word: &str) -> bool {
    let mut found = false;
    walk(stream, &mut |rest| found |= matches!(rest, [TokenTree::Ident(ident), ..] if ident == word));
    found
}

/// The name and place of every method call, `.name(…)`.
pub fn method_calls(stream: &TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    walk(stream, &mut |rest| {
        if let [TokenTree::Punct(dot), TokenTree::Ident(name), TokenTree::Group(group), ..] = rest
            && dot.as_char() == '.'
            && dot.spacing() == Spacing::Alone
            && group.delimiter() == Delimiter::Parenthesis
        {
            found.push(name.clone());
        }
    });
    found
}

/// The name and place of every macro call, `name!(…)`.
pub fn macro_calls(stream: &TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    walk(stream, &mut |rest| {
        if let [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_), ..] = rest
            && bang.as_char() == '!'
        {
            found.push(name.clone());
        }
    });
    found
}

/// Every text literal with its line.
pub fn strings(stream: &TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    walk(stream, &mut |rest| {
        if let [TokenTree::Literal(literal), ..] = rest
            && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
        {
            found.push((literal.span().start().line, text.value()));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &str) -> TokenStream {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn attributes_are_seen_inside_macros_but_not_in_comments() {
        let source = "#![deny(x)]\n// #[allow(y)]\nmacro_rules! m { () => {\n#[allow(z)] fn f() {} } }";
        let found: Vec<_> = attributes(&stream(source)).into_iter().map(|a| (a.line, a.name)).collect();
        assert_eq!(found, [(1, "deny".to_owned()), (4, "allow".to_owned())]);
    }

    #[test]
    fn method_and_macro_calls_are_told_from_names() {
        let source = "a.unwrap(); unwrap(a); a.unwrap_or(b); todo!(); todo; \"x.unwrap()\";";
        let methods: Vec<_> = method_calls(&stream(source)).iter().map(Ident::to_string).collect();
        let macros: Vec<_> = macro_calls(&stream(source)).iter().map(Ident::to_string).collect();
        assert_eq!(methods, ["unwrap", "unwrap_or"]);
        assert_eq!(macros, ["todo"]);
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(strings(&stream("f(\"a\\n\", r#\"b\"#, b\"c\", 'd', 1)")), [(1, "a\n".to_owned()), (1, "b".to_owned())]);
    }
}
