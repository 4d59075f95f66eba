//! What went wrong, in the crate's terms, and its way into a Python exception.

use nmstate::{ErrorKind, NmstateError};
use pyo3::prelude::*;

/// An error kind of the nmstate crate with its message.
pub struct Failure {
    kind: ErrorKind,
    message: String,
}

impl Failure {
    /// The caller's argument is not acceptable.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidArgument,
            message: message.into(),
        }
    }

    /// The crate, or this binding, failed in a way that no argument should provoke.
    pub fn bug(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Bug,
            message: message.into(),
        }
    }
}

impl From<NmstateError> for Failure {
    fn from(error: NmstateError) -> Self {
        Self {
            kind: error.kind(),
            message: error.msg().to_string(),
        }
    }
}

/// The exception classes, and which kind is which class, are `libnmstate.error`'s.
impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| {
            let exception = py.import("libnmstate.error").and_then(|module| {
                module.call_method1("from_kind", (failure.kind.to_string(), failure.message))
            });
            match exception {
                Ok(exception) => PyErr::from_value(exception),
                Err(error) => error,
            }
        })
    }
}
