//! What one Rust file declares: its functions with their lengths, its names, and which of its lines are tests or explained panics.
//!
//! What must stay true: lines count from the signature to the closing brace, docs and attributes not included. What is absent:
//! judging; the checks do that.

use std::ops::RangeInclusive;

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Ident, Signature};

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A struct, enum, union, trait or alias.
    Type,
    /// A module.
    Module,
    /// A free function, method or trait method.
    Function,
}

impl Kind {
    /// The word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Module => "module",
            Self::Function => "function",
        }
    }
}

/// A name that this file gives to something.
#[derive(Clone, Debug)]
pub struct Name {
    /// What it stands for.
    pub kind: Kind,
    /// The name.
    pub name: String,
    /// Where it is declared.
    pub line: usize,
}

/// A function with a body.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its signature begins.
    pub line: usize,
    /// Lines from the signature to the closing brace.
    pub lines: usize,
}

/// What one Rust file declares.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Functions with a body.
    pub functions: Vec<Function>,
    /// Names given here; those that a foreign trait dictates are left out.
    pub names: Vec<Name>,
    /// Modules in other files that exist for tests only.
    pub test_modules: Vec<String>,
    tests: Vec<RangeInclusive<usize>>,
    explained: Vec<RangeInclusive<usize>>,
}

impl Outline {
    /// Reads the outline of a parsed file.
    pub fn of(file: &syn::File) -> Self {
        let mut outline = Self::default();
        outline.mark(&file.attrs, 1..=usize::MAX);
        outline.visit_file(file);
        outline
    }

    /// Treats the whole file as test code.
    pub fn mark_as_test(&mut self) {
        self.tests.push(1..=usize::MAX);
    }

    /// Whether the line is test code.
    pub fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }

    /// Whether a `#[expect(clippy::unwrap_used)]` or `expect_used` covers the line.
    pub fn is_explained(&self, line: usize) -> bool {
        self.explained.iter().any(|range| range.contains(&line))
    }

    fn mark(&mut self, attributes: &[Attribute], lines: RangeInclusive<usize>) {
        if attributes.iter().any(is_test) {
            self.tests.push(lines.clone());
        }
        if attributes.iter().any(explains_panic) {
            self.explained.push(lines);
        }
    }

    fn name(&mut self, kind: Kind, ident: &Ident) {
        self.names.push(Name { kind, name: ident.to_string(), line: ident.span().start().line });
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        let line = signature.span().start().line;
        let lines = block.brace_token.span.close().end().line + 1 - line;
        self.functions.push(Function { name: signature.ident.to_string(), line, lines });
    }
}

fn lines(span: Span) -> RangeInclusive<usize> {
    span.start().line..=span.end().line
}

fn words(attribute: &Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => spaceless(&list.tokens),
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
    }
}

fn spaceless(tokens: &TokenStream) -> String {
    tokens.to_string().chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`.
fn is_test(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last().map(|segment| segment.ident.to_string());
    match last.as_deref() {
        Some("test") => true,
        Some("cfg") => {
            let words = words(attribute);
            words == "test" || words.starts_with("all(test,")
        }
        _ => false,
    }
}

fn explains_panic(attribute: &Attribute) -> bool {
    attribute.path().is_ident("expect") && {
        let words = words(attribute);
        words.contains("clippy::unwrap_used") || words.contains("clippy::expect_used")
    }
}

impl<'ast> Visit<'ast> for Outline {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.mark(&item.attrs, lines(item.span()));
        self.name(Kind::Function, &item.sig.ident);
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.mark(&item.attrs, lines(item.span()));
        self.name(Kind::Module, &item.ident);
        if item.content.is_none() && item.attrs.iter().any(is_test) {
            self.test_modules.push(item.ident.to_string());
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.mark(&item.attrs, lines(item.span()));
        if item.trait_.is_none() {
            for member in &item.items {
                if let syn::ImplItem::Fn(function) = member {
                    self.name(Kind::Function, &function.sig.ident);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.mark(&item.attrs, lines(item.span()));
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.mark(&item.attrs, lines(item.span()));
        self.name(Kind::Function, &item.sig.ident);
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.name(Kind::Type, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.name(Kind::Type, &item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.name(Kind::Type, &item.ident);
        visit::visit_item_union(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.name(Kind::Type, &item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.name(Kind::Type, &item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.mark(&item.attrs, lines(item.span()));
        visit::visit_item_macro(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.mark(&item.attrs, lines(item.span()));
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.mark(&item.attrs, lines(item.span()));
        visit::visit_item_static(self, item);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.mark(&local.attrs, lines(local.span()));
        visit::visit_local(self, local);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Outline {
        syn::parse_str(text).map(|file| Outline::of(&file)).unwrap_or_default()
    }

    #[test]
    fn a_function_is_counted_from_signature_to_brace() {
        let found = outline("/// Doc.\n#[must_use]\nfn f(\n    a: u8,\n) -> u8 {\n    a\n}\n");
        let found: Vec<_> = found.functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(found, [("f", 3, 5)]);
    }

    #[test]
    fn test_lines_are_those_of_tests_and_test_modules() {
        let found = outline(
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n#[tokio::test]\nasync fn h() {}\n#[cfg(not(test))]\nfn i() {}",
        );
        assert_eq!([1, 4, 7, 9].map(|line| found.is_test(line)), [false, true, true, false]);
    }

    #[test]
    fn names_of_foreign_traits_are_not_ours() {
        let found = outline("struct S;\nimpl S { fn ours() {} }\nimpl Foreign for S { fn theirs() {} }\ntrait T { fn asked(&self); }");
        let found: Vec<_> = found.names.iter().map(|name| name.name.as_str()).collect();
        assert_eq!(found, ["S", "ours", "T", "asked"]);
    }

    #[test]
    fn an_expected_lint_explains_its_item_only() {
        let found = outline("#[expect(clippy::unwrap_used, reason = \"r\")]\nfn f() {\n}\nfn g() {\n}");
        assert_eq!([2, 4].map(|line| found.is_explained(line)), [true, false]);
    }
}
