//! Planted bugs: switches that exist only in a build for the simulator, which must find each of them.
//!
//! What must stay true: without `--cfg provost_bugs` every answer is a constant `false`, and nothing of this is in the binary.

#[cfg(provost_bugs)]
mod switch {
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<&'static str> = const { Cell::new("") };
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    /// Switches one bug on for this thread, or all off with an empty name.
    pub fn plant(name: &'static str) {
        ON.set(name);
    }

    /// Whether the bug is on.
    pub fn planted(name: &str) -> bool {
        ON.get() == name
    }

    /// Something that no record holds: how often it was asked.
    pub fn drift() -> u64 {
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }
}

#[cfg(provost_bugs)]
pub use switch::{drift, plant, planted};

/// Whether the bug is on: never, in this build.
#[cfg(not(provost_bugs))]
#[inline(always)]
pub const fn planted(_name: &str) -> bool {
    false
}

/// Something that no record holds: nothing, in this build.
#[cfg(not(provost_bugs))]
#[inline(always)]
pub const fn drift() -> u64 {
    0
}
