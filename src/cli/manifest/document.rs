//! The objects in a text: its documents, and what lists of objects hold.

use std::{ops::Range, sync::Arc};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::{
    finding::{Check, Finding, Problem, Severity},
    located::{Node, follow},
    source::{Place, Source},
};
use crate::api::yaml::{self, YamlError};

/// One object of a document, with its place.
pub(super) struct Object {
    document: Arc<Document>,
    /// Path of the object in its document: empty, or `items[3]`.
    path: String,
}

struct Document {
    source: Arc<Source>,
    /// Bytes of the source before the document.
    before: usize,
    root: Spanned<Node>,
}

impl Object {
    /// Path of a field in the document.
    fn path_of(&self, field: &str) -> String {
        match (self.path.as_str(), field) {
            (path, "") => path.to_owned(),
            ("", field) => field.to_owned(),
            (path, field) => format!("{path}.{field}"),
        }
    }

    /// The place of a field's value, or of the nearest field above it that is there.
    pub(super) fn place(&self, field: &str) -> Place {
        self.located(follow(&self.document.root, &self.path_of(field)).span)
    }

    /// The place of a field's name.
    fn place_of_name(&self, field: &str) -> Place {
        self.located(follow(&self.document.root, &self.path_of(field)).key)
    }

    fn located(&self, span: Range<usize>) -> Place {
        let Document { source, before, .. } = &*self.document;
        Place { source: source.clone(), span: before + span.start..before + span.end }
    }

    /// What stands at a field.
    pub(super) fn value(&self, field: &str) -> Option<Value> {
        follow(&self.document.root, &self.path_of(field)).node.map(|node| node.value.json())
    }

    /// The whole object.
    pub(super) fn json(&self) -> Value {
        self.value("").unwrap_or_default()
    }

    /// Text at a field, such as `metadata.name`.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.value(field)?.as_str().map(str::to_owned)
    }

    /// What people call it: `KIND NAMESPACE/NAME`.
    pub(super) fn name(&self) -> String {
        let part = |field| self.text(field).unwrap_or_else(|| "?".into());
        let namespace = self.text("metadata.namespace").unwrap_or_else(|| "default".into());
        format!("{} {namespace}/{}", part("kind"), part("metadata.name"))
    }

    pub(super) fn finding(&self, severity: Severity, problem: Problem) -> Finding {
        let place = match problem.check {
            Check::Unknown => self.place_of_name(&problem.field),
            _ => self.place(&problem.field),
        };
        Finding {
            severity,
            place,
            object: Some(self.name()),
            value: if problem.field.is_empty() { None } else { self.value(&problem.field) },
            problem,
        }
    }
}

/// Every object of a source, those in a `List` one by one, and what is no YAML.
///
/// `fields` are some that such an object has, for who writes none.
pub(super) fn objects(source: &Arc<Source>, fields: &str) -> (Vec<Object>, Vec<Finding>) {
    let (mut objects, mut findings) = (Vec::new(), Vec::new());
    for (before, text) in documents(&source.text) {
        match yaml::read_manifest::<Option<Spanned<Node>>>(text) {
            Ok(None) => {}
            Ok(Some(root)) if matches!(root.value, Node::Map(_)) => {
                unwrap(Document { source: source.clone(), before, root }, &mut objects);
            }
            Ok(Some(root)) => {
                let problem = format!("the document is no object: write its fields, such as {fields}");
                let (line, column) = (root.referenced.line(), root.referenced.column());
                findings.push(unreadable(source, before, YamlError { line, column, problem }));
            }
            Err(error) => findings.push(unreadable(source, before, error)),
        }
    }
    (objects, findings)
}

/// What `kubectl` takes for many objects: the kind `List`, or a list of one kind.
fn unwrap(document: Document, objects: &mut Vec<Object>) {
    let document = Arc::new(document);
    let whole = Object { document: document.clone(), path: String::new() };
    let is_list = whole.text("kind").is_some_and(|kind| kind.ends_with("List"));
    match follow(&document.root, "items").node.map(|items| &items.value) {
        Some(Node::List(items)) if is_list => {
            objects
                .extend((0..items.len()).map(|at| Object { document: document.clone(), path: format!("items[{at}]") }));
        }
        _ => objects.push(whole),
    }
}

fn unreadable(source: &Arc<Source>, before: usize, error: YamlError) -> Finding {
    let YamlError { line, column, problem } = error;
    let (what, mend) = problem.rsplit_once(": ").unwrap_or((&problem, ""));
    let rest = source.text.get(before..).unwrap_or_default();
    let above: usize = (1..line).zip(rest.split_inclusive('\n')).map(|(_, line)| line.len()).sum();
    let text = rest.get(above..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let indent: usize = (1..column).zip(text.chars()).map(|(_, character)| character.len_utf8()).sum();
    let start = before + above + indent;
    Finding {
        severity: Severity::Error,
        place: Place {
            source: source.clone(),
            span: start..start + text.get(indent..).unwrap_or_default().trim_end().len(),
        },
        problem: Problem { check: Check::Yaml, field: String::new(), message: what.into(), mend: mend.into() },
        object: None,
        value: None,
    }
}

/// Splits a text at its lines `---`; each document with the number of bytes before it.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            documents.extend(text.get(start..at).map(|text| (start, text)));
            start = at + "---".len();
        }
        at += line.len();
    }
    documents.extend(text.get(start..).map(|text| (start, text)));
    documents
}

#[cfg(test)]
mod tests {
    use super::documents;

    #[test]
    fn texts_split_at_document_markers_only() {
        let found = |text| documents(text).iter().map(|(before, _)| *before).collect::<Vec<_>>();
        assert_eq!(found("a: 1\n---\nb: 2\n"), [0, 8]);
        assert_eq!(found("---\r\na: 1\r\n---\r\nb: |\n  ---\n"), [0, 3, 14]);
        assert_eq!(found("a: ---\n----\n"), [0]);
    }
}
