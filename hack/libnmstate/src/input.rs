//! Python objects as a JSON document, refused where the crate could not bear them.
//!
//! Only what `json.dumps` takes without options gets in, less its oddities. No Python code runs meanwhile:
//! subclasses are read as the built-in type they are, so nothing can change underfoot.

use std::fmt::Write;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use crate::failure::Failure;
use crate::guard::guarded;

/// Levels of nesting. A state has about ten; the stack, also a small thread's, bears many more than this.
const MAX_DEPTH: usize = 64;

/// Bytes, roughly, that a document may take here. A few lists that hold each other's contents many times over
/// are small in Python and would not be here. A node with 1,000 interfaces needs a twentieth of it.
const MAX_SIZE: usize = 256 << 20;

/// Bytes, roughly, of a value beside the text in it.
const VALUE_SIZE: usize = 64;

/// Steps shown of the way to a value refused, so that a message stays readable.
const MAX_STEPS: usize = 12;

/// One step of the way to a value in a document.
#[derive(Clone)]
pub enum Step {
    Key(String),
    Index(usize),
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Step::Key(key) => key.serialize(serializer),
            Step::Index(index) => index.serialize(serializer),
        }
    }
}

/// A refusal and the way to the value refused, innermost step first.
pub struct Refusal {
    steps: Vec<Step>,
    reason: String,
}

impl Refusal {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            steps: Vec::new(),
            reason: reason.into(),
        }
    }

    fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The way to the value refused, outermost step first, and the reason.
    pub fn located(mut self) -> (Vec<Step>, String) {
        self.steps.reverse();
        (self.steps, self.reason)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let mut text = String::new();
        for step in refusal.steps.iter().rev().take(MAX_STEPS) {
            let _ = match step {
                Step::Key(key) if text.is_empty() => write!(text, "{key}"),
                Step::Key(key) => write!(text, ".{key}"),
                Step::Index(index) => write!(text, "[{index}]"),
            };
        }
        if refusal.steps.len() > MAX_STEPS {
            text.push('…');
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&refusal.reason);
        Failure::invalid(text)
    }
}

/// The document that a dict holds.
pub fn document(object: &Bound<'_, PyAny>) -> Result<Value, Failure> {
    guarded(|| Ok(read(object)?))
}

/// The document that a dict holds, or where it cannot be one.
pub fn read(object: &Bound<'_, PyAny>) -> Result<Value, Refusal> {
    if !object.is_instance_of::<PyDict>() {
        return Err(Refusal::new(format!(
            "a state is a dict, not {}",
            type_name(object)
        )));
    }
    Reader { room: MAX_SIZE }.value(object, MAX_DEPTH)
}

struct Reader {
    room: usize,
}

impl Reader {
    fn value(&mut self, object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Refusal> {
        self.take(VALUE_SIZE)?;
        if object.is_none() {
            Ok(Value::Null)
        } else if let Ok(text) = object.cast::<PyString>() {
            self.text(text).map(Value::String)
        } else if let Ok(flag) = object.cast::<PyBool>() {
            // Before int, of which bool is a subclass.
            Ok(Value::Bool(flag.is_true()))
        } else if let Ok(number) = object.cast::<PyInt>() {
            integer(number)
        } else if let Ok(number) = object.cast::<PyFloat>() {
            Number::from_f64(number.value())
                .map(Value::Number)
                .ok_or_else(|| Refusal::new("not a finite number"))
        } else if let Ok(dict) = object.cast::<PyDict>() {
            self.object(dict, deeper(depth)?)
        } else if let Ok(list) = object.cast::<PyList>() {
            self.array(list.iter(), deeper(depth)?)
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            self.array(tuple.iter(), deeper(depth)?)
        } else {
            Err(Refusal::new(format!(
                "a value of type {} has no place in a state",
                type_name(object)
            )))
        }
    }

    fn object(&mut self, dict: &Bound<'_, PyDict>, depth: usize) -> Result<Value, Refusal> {
        let mut map = Map::new();
        for (key, item) in dict.iter() {
            let Ok(key) = key.cast::<PyString>() else {
                let refusal = Refusal::new(format!("a key is a str, not {}", type_name(&key)));
                return Err(match scalar(&key) {
                    Some(key) => refusal.under(Step::Key(key)),
                    None => refusal,
                });
            };
            let key = self.text(key)?;
            match self.value(&item, depth) {
                Ok(value) => map.insert(key, value),
                Err(refusal) => return Err(refusal.under(Step::Key(key))),
            };
        }
        Ok(Value::Object(map))
    }

    fn array<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> Result<Value, Refusal> {
        let mut values = Vec::new();
        for (index, item) in items.enumerate() {
            values.push(
                self.value(&item, depth)
                    .map_err(|refusal| refusal.under(Step::Index(index)))?,
            );
        }
        Ok(Value::Array(values))
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> Result<String, Refusal> {
        let text = text
            .to_str()
            .map_err(|_| Refusal::new("text with a lone surrogate"))?;
        self.take(text.len())?;
        // The crate hands text to C and D-Bus, neither of which can carry it, and panics.
        if text.contains('\0') {
            return Err(Refusal::new("text with a NUL character"));
        }
        Ok(text.to_owned())
    }

    fn take(&mut self, size: usize) -> Result<(), Refusal> {
        self.room = self
            .room
            .checked_sub(size)
            .ok_or_else(|| Refusal::new(format!("the state takes more than {} MiB", MAX_SIZE >> 20)))?;
        Ok(())
    }
}

fn deeper(depth: usize) -> Result<usize, Refusal> {
    depth
        .checked_sub(1)
        .ok_or_else(|| Refusal::new(format!("nested more than {MAX_DEPTH} levels deep")))
}

fn integer(number: &Bound<'_, PyInt>) -> Result<Value, Refusal> {
    number
        .extract::<i64>()
        .map(Value::from)
        .or_else(|_| number.extract::<u64>().map(Value::from))
        .map_err(|_| Refusal::new("the integer does not fit 64 bits"))
}

/// The text of what YAML may have for a key; None for objects whose own code would have to run for it.
fn scalar(key: &Bound<'_, PyAny>) -> Option<String> {
    let plain = key.is_none()
        || key.is_exact_instance_of::<PyBool>()
        || key.is_exact_instance_of::<PyInt>()
        || key.is_exact_instance_of::<PyFloat>();
    // An int of more than 4,300 digits has no text.
    let text = plain.then(|| key.str().ok())??;
    text.to_str().ok().map(str::to_owned)
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .name()
        .map_or_else(|_| "?".into(), |name| name.to_string())
}
