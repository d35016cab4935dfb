//! From bytes to a tree, within limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{DEPTH_MAX, Entry, Kind, NODES_MAX, Node, scalar};
use crate::finding::{Code, Log, Place};
use crate::source::SOURCE_BYTES_MAX;

/// Reads one YAML document. `first_line` is the line of the file the bytes start at. `None` after an error, which is in `log`.
pub(crate) fn load(bytes: &[u8], first_line: u32, log: &Log) -> Option<Node> {
    let start = Place { line: first_line, column: 1 };
    if bytes.len() > SOURCE_BYTES_MAX {
        let message = format!("{} bytes are more than the limit of {SOURCE_BYTES_MAX} bytes", bytes.len());
        log.error_hint(Code::TooLarge, start, message, "split the file");
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            log.error_hint(Code::NotUtf8, place_of(bytes, error.valid_up_to(), first_line), "the file is not UTF-8", "save it as UTF-8");
            return None;
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut loader = Loader { parser: Parser::new_from_str(text), log, first_line, nodes: 0, anchors: BTreeMap::new(), failed: false };
    let node = loader.document();
    node.filter(|_| !loader.failed)
}

fn place_of(bytes: &[u8], at: usize, first_line: u32) -> Place {
    let before = bytes.get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count();
    let column = String::from_utf8_lossy(before.rsplit(|b| *b == b'\n').next().unwrap_or_default()).chars().count();
    Place { line: first_line + line as u32, column: column as u32 + 1 }
}

struct Loader<'s> {
    parser: Parser<'s, StrInput<'s>>,
    log: &'s Log,
    first_line: u32,
    nodes: usize,
    /// Anchored values with their sizes; an alias copies.
    anchors: BTreeMap<usize, (Node, usize)>,
    failed: bool,
}

/// An error that ends the reading; it is in the log already.
struct Stop;

impl<'s> Loader<'s> {
    fn place(&self, mark: Marker) -> Place {
        Place { line: mark.line() as u32 + self.first_line - 1, column: mark.col() as u32 + 1 }
    }

    /// Reports and goes on: the tree will not be used.
    fn refuse(&mut self, code: Code, at: Place, message: impl Into<String>, hint: &str) {
        self.failed = true;
        self.log.error_hint(code, at, message, hint);
    }

    fn stop(&mut self, code: Code, at: Place, message: impl Into<String>, hint: &str) -> Stop {
        self.refuse(code, at, message, hint);
        Stop
    }

    fn next(&mut self) -> Result<(Event<'s>, Place), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, self.place(start))),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Place { line: self.first_line, column: 1 })),
        }
    }

    fn syntax(&mut self, error: &ScanError) -> Stop {
        let at = self.place(*error.marker());
        let hint = if error.info().contains("escape") {
            "inside double quotes a backslash is written twice; in single quotes, `'…'`, it stands for itself"
        } else {
            "check indentation, colons and quotes around here"
        };
        self.stop(Code::Syntax, at, format!("this is not YAML: {}", error.info()), hint)
    }

    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, at) = self.next().ok()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) if root.is_some() => {
                    self.refuse(Code::Yaml, at, "a second document starts here", "keep one document per file");
                    return None;
                }
                Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                    root = Some(self.node(event, at, 0).ok()?);
                }
                Event::SequenceEnd | Event::MappingEnd => return None,
            }
        }
        let empty = Node { at: Place { line: self.first_line, column: 1 }, inset: None, kind: Kind::Scalar(Value::Null) };
        Some(root.unwrap_or(empty))
    }

    fn node(&mut self, event: Event<'s>, at: Place, depth: usize) -> Result<Node, Stop> {
        if depth > DEPTH_MAX {
            return Err(self.stop(Code::TooLarge, at, format!("nested deeper than {DEPTH_MAX} levels"), "flatten the document"));
        }
        self.count(1, at)?;
        let mut inset = None;
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                inset = text_inset(style);
                (anchor, Kind::Scalar(self.scalar(&text, style, tag.as_deref(), at)))
            }
            Event::SequenceStart(anchor, tag) => {
                self.untagged(tag.as_deref(), at);
                (anchor, Kind::List(self.list(depth)?))
            }
            Event::MappingStart(anchor, tag) => {
                self.untagged(tag.as_deref(), at);
                (anchor, Kind::Map(self.map(depth)?))
            }
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(self.stop(Code::Syntax, at, "the file ends inside a value", "close it")),
        };
        let node = Node { at, inset, kind };
        if anchor > 0 {
            // What is remembered is a copy: anchors inside anchors would else hold each value once a level.
            let size = size(&node);
            self.count(size, at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, at: Place) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes > NODES_MAX {
            return Err(self.stop(
                Code::TooLarge,
                at,
                format!("more than {NODES_MAX} values"),
                "split the file, or repeat less by `*alias`",
            ));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Place, depth: usize) -> Result<Node, Stop> {
        let Some((node, size)) = self.anchors.get(&anchor).map(|(node, size)| (node.clone(), *size)) else {
            return Err(self.stop(Code::Yaml, at, "this alias stands inside its own anchor", "write the value out"));
        };
        self.count(size, at)?;
        if depth + height(&node) > DEPTH_MAX {
            return Err(self.stop(Code::TooLarge, at, format!("nested deeper than {DEPTH_MAX} levels"), "flatten the document"));
        }
        Ok(Node { at, inset: None, kind: node.kind })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, at, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<Arc<str>, Place> = BTreeMap::new();
        loop {
            let (event, at) = self.next()?;
            let key: Arc<str> = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, _, _, tag) => {
                    self.untagged(tag.as_deref().filter(|t| t.suffix != "str"), at);
                    (&*text).into()
                }
                Event::Alias(_)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::SequenceEnd => return Err(self.stop(Code::Yaml, at, "a key must be text", "quote it, or write a plain word")),
            };
            if let Some(first) = seen.get(&key) {
                let hint = format!("the first one is in line {}; keep one of them", first.line);
                self.refuse(Code::DuplicateKey, at, format!("key `{}` stands twice", shown(&key)), &hint);
            } else {
                seen.insert(key.clone(), at);
            }
            let (event, value_at) = self.next()?;
            let value = self.node(event, value_at, depth + 1)?;
            entries.push(Entry { key, at, value });
        }
    }

    fn untagged(&mut self, tag: Option<&Tag>, at: Place) {
        if let Some(tag) = tag {
            self.refuse(Code::Yaml, at, format!("tag `{}{}` is not read", tag.handle, shown(&tag.suffix)), "leave the tag out");
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Place) -> Value {
        let is_str = tag.is_some_and(|t| t.is_yaml_core_schema() && t.suffix == "str");
        if !is_str {
            self.untagged(tag, at);
        }
        if style != ScalarStyle::Plain || is_str {
            return Value::str(text);
        }
        scalar::resolve(text).unwrap_or_else(|error| {
            self.refuse(Code::Number, at, format!("`{}`: {error}", shown(text)), "quote it if it is meant as text");
            Value::Null
        })
    }
}

fn text_inset(style: ScalarStyle) -> Option<u32> {
    match style {
        ScalarStyle::Plain => Some(0),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(1),
        ScalarStyle::Literal | ScalarStyle::Folded => None,
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 1,
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|e| size(&e.value)).sum::<usize>(),
    }
}

fn height(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|e| height(&e.value)).max().unwrap_or(0),
    }
}

/// Author's text for a message: never more than a line.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}
