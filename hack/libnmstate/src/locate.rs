//! Where in a document the crate's parser stops: its errors say what is wrong, not where.

use nmstate::NetworkState;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::input::Step;

/// Keys that decide how the keys beside them are read.
const CONTEXT: [&str; 3] = ["name", "type", "state"];

/// The way to the value that the crate refuses to parse, and its reason; None if it parses the document.
///
/// `serde_path_to_error` watches the parser. It loses sight of it where the crate takes a `serde_json::Value` first
/// and parses that on its own (an interface, its IP settings, trunk tags, OVS's STP), where structs are flattened, and
/// of a field that is there under two names. The types in between are private in part, so `narrow` does the rest: it
/// parses the value at which the path ends, one interface as a rule, with less and less in it.
pub fn error(state: &Value) -> Option<(Vec<Step>, String)> {
    let error = serde_path_to_error::deserialize::<_, NetworkState>(state).err()?;
    let message = error.inner().to_string();
    let (mut way, value) = follow(state, error.path());
    let fails = |value: Value| {
        let around = way.iter().rev().fold(value, |inner, step| match step {
            Step::Key(key) => Value::Object(Map::from_iter([(key.clone(), inner)])),
            Step::Index(_) => Value::Array(vec![inner]),
        });
        NetworkState::deserialize(around).is_err_and(|error| error.to_string() == message)
    };
    let rest = if fails(value.clone()) {
        narrow(value, &fails, message.starts_with("missing field"))
    } else {
        Vec::new()
    };
    way.extend(rest);
    Some((way, message))
}

/// As much of `path` as leads through `state`, and the value there.
fn follow<'a>(state: &'a Value, path: &serde_path_to_error::Path) -> (Vec<Step>, &'a Value) {
    let mut way = Vec::new();
    let mut value = state;
    for segment in path {
        let (step, inner) = match segment {
            Segment::Map { key } => (Step::Key(key.clone()), value.get(key)),
            Segment::Seq { index } => (Step::Index(*index), value.get(*index)),
            Segment::Enum { .. } | Segment::Unknown => break,
        };
        let Some(inner) = inner else { break };
        way.push(step);
        value = inner;
    }
    (way, value)
}

/// The way from `value`, for which `fails` is true, to the innermost value that makes it so.
///
/// `fails` tells whether the error is still the same with another value in its place. `missing`: the error is about a
/// field that is not there, which no scalar can be the place of.
fn narrow(value: &Value, fails: &dyn Fn(Value) -> bool, missing: bool) -> Vec<Step> {
    match value {
        Value::Object(map) => into_map(map, fails, missing),
        Value::Array(items) => into_list(items, fails, missing),
        _ => Vec::new(),
    }
}

/// The cause is in the first key with which the error comes; about the map itself if it comes without any.
fn into_map(map: &Map<String, Value>, fails: &dyn Fn(Value) -> bool, missing: bool) -> Vec<Step> {
    let mut parts: Vec<_> = map.iter().collect();
    parts.sort_by_key(|(key, _)| !is_context(key));
    let count = first(parts.len(), |count| fails(object(&parts[..count])));
    let Some((&(key, inner), before)) = parts[..count].split_last() else {
        return Vec::new();
    };
    if missing && !inner.is_object() && !inner.is_array() {
        return Vec::new();
    }
    let put = |kept: &[(&String, &Value)], inner: &Value| object(&[kept, &[(key, inner)]].concat());
    let context = &before[..before.partition_point(|(key, _)| is_context(key))];
    let kept = if fails(put(context, inner)) {
        context
    } else {
        before
    };
    let mut way = vec![Step::Key(key.clone())];
    way.extend(narrow(inner, &|inner| fails(put(kept, &inner)), missing));
    way
}

/// The cause is in the first item that has the error on its own; about the list itself if an empty one has it.
fn into_list(items: &[Value], fails: &dyn Fn(Value) -> bool, missing: bool) -> Vec<Step> {
    if fails(Value::Array(Vec::new())) {
        return Vec::new();
    }
    let fails = |item: Value| fails(Value::Array(vec![item]));
    let Some(index) = items.iter().position(|item| fails(item.clone())) else {
        return Vec::new();
    };
    let mut way = vec![Step::Index(index)];
    way.extend(narrow(&items[index], &fails, missing));
    way
}

/// The smallest count up to `all` for which `fails` is true, as it is for `all` and every count above the smallest.
fn first(all: usize, fails: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, all);
    while low < high {
        let middle = low.midpoint(high);
        if fails(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

fn object(parts: &[(&String, &Value)]) -> Value {
    parts
        .iter()
        .map(|&(key, item)| (key.clone(), item.clone()))
        .collect()
}

fn is_context(key: &str) -> bool {
    CONTEXT.contains(&key)
}
