//! The common path of every call: parse and work without the GIL, then hand back Python objects.

use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;
use crate::guard::guarded;

pub type Returned<'py> = PyResult<Bound<'py, PyAny>>;

/// Run `work` with the GIL released and convert what it returns (`()` is `None`).
pub fn answer<T: Serialize + Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Returned<'_> {
    let result = py.detach(|| guarded(work))?;
    let object = guarded(|| {
        pythonize::pythonize(py, &result)
            .map_err(|error| Failure::bug(format!("the result does not convert: {error}")))
    })?;
    Ok(object)
}

/// A document as the crate's type.
pub fn parse<T: DeserializeOwned>(document: Value) -> Result<T, Failure> {
    serde_json::from_value(document).map_err(|error| Failure::invalid(error.to_string()))
}
