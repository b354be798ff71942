//! From the parser's events to the tree.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::{Entry, Flaw, Kind, MAX_BYTES, Mark, Node};

/// Lists and maps within one another.
const MAX_DEPTH: usize = 64;
/// Nodes once every alias has been filled in: what an alias bomb runs into.
const MAX_NODES: usize = 100_000;

pub(super) fn document(text: &str) -> Result<Node, Flaw> {
    if text.len() as u64 > MAX_BYTES {
        return Err(Flaw::new(Mark { line: 1, column: 1 }, format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let mut builder = Builder { text, parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    let mut root = None;
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if root.is_some() => {
                return Err(Flaw::new(mark(span.start), "a second document: only one is read"));
            }
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            event => root = Some(builder.node(event, span, 0)?),
        }
    }
    Ok(root.unwrap_or(Node {
        kind: Kind::Scalar { text: String::new(), plain: true },
        mark: Mark { line: 1, column: 1 },
        span: 0..0,
    }))
}

struct Builder<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Flaw> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(tab(self.text, error.marker().line())
                    .unwrap_or_else(|| Flaw::new(mark(*error.marker()), error.info())))
            }
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    /// The node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Flaw> {
        let before = self.nodes;
        self.count(1, span)?;
        if depth > MAX_DEPTH {
            return Err(Flaw::new(mark(span.start), format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (kind, anchor, end) = match event {
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.as_deref().is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                if tag.is_some() && !is_text {
                    return Err(Flaw::new(mark(span.start), "tags are not supported here"));
                }
                let plain = style == ScalarStyle::Plain && !is_text;
                (Kind::Scalar { text: text.into_owned(), plain }, anchor, span.end.index())
            }
            Event::SequenceStart(anchor, None) => {
                let (list, end) = self.list(depth)?;
                (Kind::List(list), anchor, end)
            }
            Event::MappingStart(anchor, None) => {
                let (entries, end) = self.map(depth)?;
                (Kind::Map { entries, flow: !span.is_empty() }, anchor, end)
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                return Err(Flaw::new(mark(span.start), "tags are not supported here"));
            }
            _ => return Err(Flaw::new(mark(span.start), "a value is missing")),
        };
        let node = Node { kind, mark: mark(span.start), span: span.start.index()..end };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Flaw> {
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            return Err(Flaw::new(mark(span.start), "an alias within its own anchor"));
        };
        self.count(size, span)?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Node>, usize), Flaw> {
        let mut list = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((list, end_of(span)));
            }
            list.push(self.node(event, span, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Flaw> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                for entry in merged {
                    merge(&mut entries, entry);
                }
                return Ok((entries, end_of(span)));
            }
            let key = self.node(event, span, depth + 1)?;
            let Kind::Scalar { text, .. } = key.kind else {
                return Err(Flaw::new(key.mark, "a key must be a word, not a list or a map"));
            };
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth + 1)?;
            if text == "<<" {
                collect(value, &mut merged)?;
            } else if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let message = format!("key \"{text}\" stands here again, it is in line {} already", first.mark.line);
                return Err(Flaw::new(key.mark, message));
            } else {
                entries.push(Entry { key: text, mark: key.mark, span: key.span, value });
            }
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Flaw> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Flaw::new(
                mark(span.start),
                format!("more than {MAX_NODES} values once aliases are filled in"),
            ));
        }
        Ok(())
    }
}

/// What a merge key brings: the entries of a map, or of a list of maps, earlier ones first.
fn collect(value: Node, into: &mut Vec<Entry>) -> Result<(), Flaw> {
    match value.kind {
        Kind::Map { entries, .. } => into.extend(entries),
        Kind::List(maps) => {
            for map in maps {
                let Kind::Map { entries, .. } = map.kind else {
                    return Err(Flaw::new(map.mark, "a merge key takes maps only"));
                };
                into.extend(entries);
            }
        }
        Kind::Scalar { .. } => return Err(Flaw::new(value.mark, "a merge key takes a map or a list of maps")),
    }
    Ok(())
}

/// The end of a list or map: behind its bracket, where it has one. The parser's own end lies before the next token.
fn end_of(span: Span) -> usize {
    if span.is_empty() { span.end.index() } else { span.start.index() + 1 }
}

/// The likely cause of an error that the parser words otherwise, and places where the value before it began.
fn tab(text: &str, from: usize) -> Option<Flaw> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut lines = text.lines().enumerate().skip(from.saturating_sub(1));
    let (at, column) = lines.find_map(|(at, line)| Some((at, line[..indent(line)].find('\t')?)))?;
    Some(Flaw::new(Mark { line: at + 1, column: column + 1 }, "a tab in the indentation: use spaces"))
}

fn merge(entries: &mut Vec<Entry>, entry: Entry) {
    if entries.iter().all(|own| own.key != entry.key) {
        entries.push(entry);
    }
}

fn mark(marker: Marker) -> Mark {
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}
