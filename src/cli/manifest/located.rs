//! The shape of a document with the line of each of its nodes, so that a problem found in the object is told by line.

use std::fmt;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, JSONSchemaPropsOrArray};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use crate::api::yaml::unknown_field;

/// A node of a YAML document; of a scalar only its place.
#[derive(Debug)]
pub(super) enum Node {
    Scalar,
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    /// Line of the field with this path, such as `spec.triggers[0].cpu`, or of the nearest one above it that is there; from 1.
    pub(super) fn line_of(&self, path: &str) -> u64 {
        let (mut node, mut line) = (self, self.first_line());
        for step in path.split(['.', '[']) {
            let index = step.strip_suffix(']').and_then(|digits| digits.parse::<usize>().ok());
            let next = match (node, index) {
                (Self::List(items), Some(at)) => items.get(at).map(|item| (item.referenced.line(), &item.value)),
                (Self::Map(fields), None) => {
                    fields.iter().find(|(key, _)| key.value == step).map(|(key, value)| (key.referenced.line(), value))
                }
                _ => None,
            };
            let Some(found) = next else { break };
            (line, node) = found;
        }
        line
    }

    fn first_line(&self) -> u64 {
        match self {
            Self::Map(fields) => fields.first().map_or(1, |(key, _)| key.referenced.line()),
            Self::List(items) => items.first().map_or(1, |item| item.referenced.line()),
            Self::Scalar => 1,
        }
    }

    /// The first field that the schema does not have: its line, and what to say of it. An object's `metadata` is left to Kubernetes.
    pub(super) fn unknown_field(&self, schema: &JSONSchemaProps) -> Option<(u64, String)> {
        let Self::Map(fields) = self else { return None };
        let own = fields.iter().filter(|(key, _)| !matches!(key.value.as_str(), "apiVersion" | "kind" | "metadata"));
        own.into_iter().find_map(|field| unknown_in_field(field, schema))
    }

    fn unknown_below(&self, schema: &JSONSchemaProps) -> Option<(u64, String)> {
        match (self, &schema.items) {
            (Self::Map(_), _) if schema.x_kubernetes_preserve_unknown_fields == Some(true) => None,
            (Self::Map(fields), _) => fields.iter().find_map(|field| unknown_in_field(field, schema)),
            (Self::List(items), Some(JSONSchemaPropsOrArray::Schema(of_item))) => {
                items.iter().find_map(|item| item.value.unknown_below(of_item))
            }
            _ => None,
        }
    }
}

fn unknown_in_field((key, value): &(Spanned<String>, Node), schema: &JSONSchemaProps) -> Option<(u64, String)> {
    let known = schema.properties.as_ref();
    if let Some(below) = known.and_then(|known| known.get(&key.value)) {
        return value.unknown_below(below);
    }
    let names: Vec<&str> = known.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
    Some((key.referenced.line(), unknown_field(&key.value, &names)))
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

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
}
