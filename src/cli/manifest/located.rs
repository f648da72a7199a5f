//! A document with the place of each of its nodes, so that what is found in the object is told by line and column.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Spanned};

/// A node of a YAML document.
#[derive(Debug)]
pub(super) enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// What a path leads to.
pub(super) struct Found<'a> {
    /// The bytes of a scalar; else those of the key, or of the first of an item's fields.
    pub(super) span: Range<usize>,
    /// The bytes of the key, where there is one; else as `span`.
    pub(super) key: Range<usize>,
    /// The node at the path itself; nothing when the path ends in nothing.
    pub(super) node: Option<&'a Spanned<Node>>,
}

/// Follows a path such as `spec.triggers[0].cpu` from `root`; where it ends in nothing, the span is that of the nearest node above.
///
/// Keys are matched as they are, the longest first: one that has a dot, as of a label, is still found.
pub(super) fn follow<'a>(root: &'a Spanned<Node>, path: &str) -> Found<'a> {
    let (mut here, mut key, mut rest) = (root, None, path);
    while !rest.is_empty() {
        let step = match &here.value {
            Node::Map(fields) => fields
                .iter()
                .filter_map(|(key, value)| Some((Some(key), value, after(rest, &key.value)?)))
                .min_by_key(|(_, _, left)| left.len()),
            Node::List(items) => item(items, rest).map(|(value, left)| (None, value, left)),
            Node::Scalar(_) => None,
        };
        let Some((named, value, left)) = step else {
            return Found::at(here, key, None);
        };
        (here, key, rest) = (value, named, left);
    }
    Found::at(here, key, Some(here))
}

impl<'a> Found<'a> {
    fn at(here: &Spanned<Node>, key: Option<&Spanned<String>>, node: Option<&'a Spanned<Node>>) -> Self {
        let span = pointed(here, key);
        Self { key: key.map_or_else(|| span.clone(), |key| bytes(key.referenced)), span, node }
    }
}

/// What is left of a path after the field `key`.
fn after<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let left = path.strip_prefix(key)?;
    left.strip_prefix('.').or_else(|| (left.is_empty() || left.starts_with('[')).then_some(left))
}

/// The item that a path such as `[3].name` begins with, and what is left of the path.
fn item<'a, 'p>(items: &'a [Spanned<Node>], path: &'p str) -> Option<(&'a Spanned<Node>, &'p str)> {
    let (index, left) = path.strip_prefix('[')?.split_once(']')?;
    Some((items.get(index.parse::<usize>().ok()?)?, left.strip_prefix('.').unwrap_or(left)))
}

fn pointed(node: &Spanned<Node>, key: Option<&Spanned<String>>) -> Range<usize> {
    match (&node.value, key) {
        (Node::Scalar(_), _) => bytes(node.referenced),
        (_, Some(key)) => bytes(key.referenced),
        (Node::Map(fields), None) => fields.first().map_or(0..0, |(key, _)| bytes(key.referenced)),
        (Node::List(items), None) => items.first().map_or(0..0, |item| pointed(item, None)),
    }
}

fn bytes(at: Location) -> Range<usize> {
    let span = at.span();
    let offset = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    let start = offset(span.byte_offset());
    start..start + offset(span.byte_len())
}

impl Node {
    /// The value without its places.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.value.json()).collect(),
            Self::Map(fields) => fields.iter().map(|(key, value)| (key.value.clone(), value.value.json())).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    /// JSON has no infinities: they are kept as the text that was written for them.
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)))
    }

    /// Past what 64 bits hold, as the API server reads it.
    #[expect(clippy::cast_precision_loss, reason = "so large a number is out of every range, whatever its last digits")]
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    /// Below what 64 bits hold, likewise.
    #[expect(clippy::cast_precision_loss, reason = "as above")]
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }
}
