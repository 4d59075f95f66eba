//! `libnmstate._native`: the nmstate crate's calls, one function each.
//!
//! The functions are private to the Python package, which checks flags and documents them. Any thread
//! may call them: each call parses and computes with the GIL released, and no call keeps state.

mod bridge;
mod failure;
mod guard;
mod input;
mod locate;

use nmstate::{NetworkPolicy, NetworkState};
use pyo3::prelude::*;

use crate::bridge::{Returned, answer, parse};
use crate::failure::Failure;
use crate::guard::guarded;
use crate::input::document;

/// The network's present state.
#[pyfunction]
fn show(py: Python<'_>, kernel_only: bool, running_config_only: bool, include_secrets: bool) -> Returned<'_> {
    answer(py, move || {
        let mut state = NetworkState::new();
        state
            .set_kernel_only(kernel_only)
            .set_running_config_only(running_config_only)
            .set_include_secrets(include_secrets)
            .retrieve()?;
        Ok(state)
    })
}

/// Make the network match `desired`.
#[pyfunction]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument for each switch of the crate"
)]
fn apply<'py>(
    py: Python<'py>,
    desired: &Bound<'py, PyAny>,
    kernel_only: bool,
    verify_change: bool,
    save_to_disk: bool,
    commit: bool,
    rollback_timeout: u32,
    override_iface: bool,
) -> Returned<'py> {
    let desired = document(desired)?;
    answer(py, move || {
        let mut state: NetworkState = parse(desired)?;
        state
            .set_kernel_only(kernel_only)
            .set_verify_change(verify_change)
            .set_memory_only(!save_to_disk)
            .set_commit(commit)
            .set_timeout(rollback_timeout)
            .set_override_iface(override_iface);
        Ok(state.apply()?)
    })
}

/// Keep what a checkpoint guards; an empty name means the pending one.
#[pyfunction]
fn commit(py: Python<'_>, checkpoint: String) -> Returned<'_> {
    answer(py, move || Ok(NetworkState::checkpoint_commit(&checkpoint)?))
}

/// Undo what a checkpoint guards; an empty name means the pending one.
#[pyfunction]
fn rollback(py: Python<'_>, checkpoint: String) -> Returned<'_> {
    answer(py, move || Ok(NetworkState::checkpoint_rollback(&checkpoint)?))
}

/// The way to what the crate, or this binding, refuses to read of `state`, and the reason; None if it reads it all.
#[pyfunction]
fn locate_error<'py>(py: Python<'py>, state: &Bound<'py, PyAny>) -> Returned<'py> {
    let state = guarded(|| Ok(input::read(state)))?;
    answer(py, move || {
        Ok(match state {
            Ok(state) => locate::error(&state),
            Err(refusal) => Some(refusal.located()),
        })
    })
}

/// The part of `new` that `old` does not have.
#[pyfunction]
fn generate_differences<'py>(
    py: Python<'py>,
    new: &Bound<'py, PyAny>,
    old: &Bound<'py, PyAny>,
) -> Returned<'py> {
    let (new, old) = (document(new)?, document(old)?);
    answer(
        py,
        move || Ok(parse::<NetworkState>(new)?.gen_diff(&parse(old)?)?),
    )
}

/// The state that takes a network on which `desired` was applied back to `before`.
#[pyfunction]
fn generate_revert<'py>(
    py: Python<'py>,
    desired: &Bound<'py, PyAny>,
    before: &Bound<'py, PyAny>,
) -> Returned<'py> {
    let (desired, before) = (document(desired)?, document(before)?);
    answer(py, move || {
        Ok(parse::<NetworkState>(desired)?.generate_revert(&parse(before)?)?)
    })
}

/// The backend's configuration files for `desired`.
#[pyfunction]
fn generate_configurations<'py>(py: Python<'py>, desired: &Bound<'py, PyAny>) -> Returned<'py> {
    let desired = document(desired)?;
    answer(py, move || Ok(parse::<NetworkState>(desired)?.gen_conf()?))
}

/// The state that a policy's captures and template come to on the network state `current`.
#[pyfunction]
fn state_from_policy<'py>(
    py: Python<'py>,
    policy: &Bound<'py, PyAny>,
    current: Option<&Bound<'py, PyAny>>,
) -> Returned<'py> {
    let policy = document(policy)?;
    let current = current.map(document).transpose()?;
    answer(py, move || {
        let mut policy: NetworkPolicy = parse(policy)?;
        if let Some(current) = current {
            policy.current = Some(parse(current)?);
        }
        Ok(NetworkState::try_from(policy)?)
    })
}

/// Panic as the crate could. No argument is known that makes it, so tests of the guard need this.
#[pyfunction]
fn panic(py: Python<'_>, message: String) -> Returned<'_> {
    answer(py, move || -> Result<(), Failure> { panic!("{message}") })
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    guard::silence_panics();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(show, module)?)?;
    module.add_function(wrap_pyfunction!(apply, module)?)?;
    module.add_function(wrap_pyfunction!(commit, module)?)?;
    module.add_function(wrap_pyfunction!(rollback, module)?)?;
    module.add_function(wrap_pyfunction!(locate_error, module)?)?;
    module.add_function(wrap_pyfunction!(generate_differences, module)?)?;
    module.add_function(wrap_pyfunction!(generate_revert, module)?)?;
    module.add_function(wrap_pyfunction!(generate_configurations, module)?)?;
    module.add_function(wrap_pyfunction!(state_from_policy, module)?)?;
    module.add_function(wrap_pyfunction!(panic, module)?)?;
    Ok(())
}
