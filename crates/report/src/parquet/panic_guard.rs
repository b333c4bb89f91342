//! Polars panics on some damaged files; here a panic becomes an error, without noise on stderr.

use std::{
    any::Any,
    cell::Cell,
    fmt::Display,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread, and describes what goes wrong in it, a panic too.
///
/// The process-wide panic hook is wrapped once, so that a panic caught here is not also printed.
/// All other panics reach the former hook.
pub(super) fn guarded<T, E: Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    quiet_hook();
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => Err(describe(payload.as_ref())),
    }
}

fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                former(info);
            }
        }));
    });
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the reader gave up");
    format!("its content is damaged ({})", text.lines().next().unwrap_or_default())
}
