//! What a `Cargo.toml` says about dependencies, with lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Finding;

/// Which table a dependency stands in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Section {
    /// Needed to build and run.
    Normal,
    /// Needed by a build script.
    Build,
    /// Needed by tests.
    Dev,
    /// Offered to the members by the workspace.
    Workspace,
}

/// One dependency.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The name as written.
    pub name: String,
    /// Where.
    pub line: usize,
    /// In which table.
    pub section: Section,
    /// Whether a feature must ask for it.
    pub optional: bool,
}

/// The dependencies of one `Cargo.toml`.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Path from the root.
    pub path: String,
    /// In the order of the file.
    pub dependencies: Vec<Dependency>,
}

impl Manifest {
    /// Reads the dependencies out of `text`.
    pub fn parse(path: &str, text: &str) -> Result<Self, Finding> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            Finding::new(path, line, format!("cannot be parsed: {}", error.message()))
        })?;
        let mut manifest = Self { path: path.to_owned(), dependencies: Vec::new() };
        manifest.take_sections(text, table.get_ref());
        if let Some(workspace) = inner(table.get_ref(), "workspace") {
            manifest.take(text, workspace, "dependencies", Section::Workspace);
        }
        if let Some(targets) = inner(table.get_ref(), "target") {
            for target in targets.values().filter_map(|value| value.get_ref().as_table()) {
                manifest.take_sections(text, target);
            }
        }
        manifest.dependencies.sort_by_key(|dependency| dependency.line);
        Ok(manifest)
    }

    /// The name of the folder that holds it, or nothing at the root.
    pub fn folder(&self) -> Option<&str> {
        self.path.strip_suffix("/Cargo.toml")?.rsplit('/').next()
    }

    fn take_sections(&mut self, text: &str, table: &DeTable<'_>) {
        self.take(text, table, "dependencies", Section::Normal);
        self.take(text, table, "build-dependencies", Section::Build);
        self.take(text, table, "dev-dependencies", Section::Dev);
    }

    fn take(&mut self, text: &str, table: &DeTable<'_>, key: &str, section: Section) {
        for (name, value) in inner(table, key).into_iter().flatten() {
            let optional = value.get_ref().as_table().and_then(|table| table.get("optional")).is_some_and(is_true);
            let line = line_at(text, name.span().start);
            self.dependencies.push(Dependency { name: name.get_ref().to_string(), line, section, optional });
        }
    }
}

fn inner<'a, 'text>(table: &'a DeTable<'text>, key: &str) -> Option<&'a DeTable<'text>> {
    table.get(key)?.get_ref().as_table()
}

fn is_true(value: &Spanned<DeValue<'_>>) -> bool {
    value.get_ref().as_bool() == Some(true)
}

/// The line, from 1, of a byte offset.
pub fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_dependencies_is_read() {
        let text = "[dependencies]\na.workspace = true\nb = { version = \"1\", optional = true }\n[dev-dependencies]\nc = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nd = \"1\"\n[workspace.dependencies]\ne = \"1\"\n[build-dependencies.f]\nversion = \"1\"\n";
        let found: Vec<_> = Manifest::parse("crates/x/Cargo.toml", text)
            .map(|manifest| manifest.dependencies)
            .unwrap_or_default()
            .into_iter()
            .map(|d| (d.name, d.line, d.section, d.optional))
            .collect();
        assert_eq!(
            found,
            [
                ("a".to_owned(), 2, Section::Normal, false),
                ("b".to_owned(), 3, Section::Normal, true),
                ("c".to_owned(), 5, Section::Dev, false),
                ("d".to_owned(), 7, Section::Normal, false),
                ("e".to_owned(), 9, Section::Workspace, false),
                ("f".to_owned(), 10, Section::Build, false),
            ]
        );
    }
}
