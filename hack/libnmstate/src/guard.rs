//! A panic becomes a failure instead of text on stderr and a `PanicException`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::Failure;

thread_local! {
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keep where a panic happened instead of printing it.
///
/// The hook is that of this library's own copy of Rust's runtime: other Rust extensions keep theirs.
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| {
            // The folder before it is that of whoever built the wheel.
            let file = at.file();
            let inside = file.rfind("/nmstate-").map_or(file, |start| &file[start + 1..]);
            format!("{inside}:{}", at.line())
        });
        let _ = PANICKED_AT.try_with(|slot| slot.replace(place));
    }));
}

/// Run `work`; if it panics, that is a bug of the crate with the place as its message.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Nothing that `work` leaves half done outlives it: it owns its arguments.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let reason = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        let place = PANICKED_AT.take().unwrap_or_else(|| "unknown place".into());
        Err(Failure::bug(format!("panic at {place}: {reason}")))
    })
}
