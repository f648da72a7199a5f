//! What the API server says of one object of our kinds, offline: in its order, and in its words where it has any.

mod bounds;
mod metadata;
mod prune;
mod rules;
mod schema;

use serde_json::Value;

use super::{finding::Problem, kinds::Kind};

/// What is wrong with an object, and the object without the fields that do not exist.
///
/// With `previous`, the object as it is stored now, what may not change is looked at too.
///
/// The API server stops after the first of these steps that finds something; here each of them is taken, so that one run shows
/// everything. A rule that cannot be evaluated because a field is missing or of another type is passed over then: that field is found
/// already.
pub(super) fn of(kind: &Kind, object: Value, previous: Option<&Value>) -> (Vec<Problem>, Value) {
    let mut object = object;
    let mut problems = prune::prune(&kind.schema, &mut object);
    if let Value::Object(fields) = &mut object {
        // A client's status is dropped: it is written through a subresource of its own.
        fields.remove("status");
    }
    let unknown = problems.len();
    problems.extend(schema::check(&kind.schema, &object));
    let shape = if problems.len() > unknown { rules::Shape::Broken } else { rules::Shape::Sound };
    problems.extend(metadata::check(&object));
    let stored = previous.map(|stored| {
        let mut stored = stored.clone();
        // What is stored has no unknown fields; what a person wrote down of it may.
        let _ = prune::prune(&kind.schema, &mut stored);
        stored
    });
    problems.extend(rules::check(kind, &object, stored.as_ref(), shape));
    (problems, object)
}

/// The same of a document that is no object: it has no metadata, no status, and is stored nowhere.
pub(super) fn of_form(kind: &Kind, mut document: Value) -> (Vec<Problem>, Value) {
    let mut problems = prune::prune(&kind.schema, &mut document);
    let broken = schema::check(&kind.schema, &document);
    let shape = if broken.is_empty() { rules::Shape::Sound } else { rules::Shape::Broken };
    problems.extend(broken);
    problems.extend(rules::check(kind, &document, None, shape));
    (problems, document)
}

/// Path of the field `name` of what is at `path`.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
