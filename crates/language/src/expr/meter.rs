//! Counted fuel: what stops an expression, at the same place on every machine.
//!
//! What must stay true: fuel is a number of counted ticks and never a time; once it is spent the whole evaluation unwinds, so that no
//! `try`, `?`, `//`, `first`, `limit` or `label` can go on. A meter belongs to one evaluation; an evaluation inside another has its own.
//! It does not measure memory: it counts the bytes that values are built of. See ADR 0001.

use std::cell::Cell;
use std::panic::resume_unwind;

/// Ticks in one unit of fuel: copying a value is one tick, everything else at least one unit.
const TICKS: u64 = 4;
/// Stack that must be left when a native or an update goes deeper, in bytes. A last resort: depth is limited before.
const STACK_BYTES_MIN: usize = 96 << 10;
/// Deepest live nesting of updates.
const NEST_MAX: u32 = 256;

/// What one evaluation may burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fuel {
    /// Units: elements visited, operations, natives called.
    pub units_max: u64,
    /// Bytes of values built.
    pub bytes_max: u64,
}

impl Default for Fuel {
    fn default() -> Self {
        Self { units_max: 1_000_000, bytes_max: 16 << 20 }
    }
}

/// What one evaluation has burned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burned {
    /// Units of fuel.
    pub units: u64,
    /// Bytes of values built.
    pub bytes: u64,
}

/// Which limit ended an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trip {
    Fuel,
    Bytes,
    Depth,
}

#[derive(Clone, Copy)]
struct State {
    ticks_left: u64,
    bytes_left: u64,
    nest: u32,
}

const UNMETERED: State = State { ticks_left: u64::MAX, bytes_left: u64::MAX, nest: 0 };

struct Meter {
    ticks_left: Cell<u64>,
    bytes_left: Cell<u64>,
    nest: Cell<u32>,
}

thread_local! {
    static METER: Meter = const {
        Meter { ticks_left: Cell::new(u64::MAX), bytes_left: Cell::new(u64::MAX), nest: Cell::new(0) }
    };
}

fn swap(state: State) -> State {
    METER.with(|m| State {
        ticks_left: m.ticks_left.replace(state.ticks_left),
        bytes_left: m.bytes_left.replace(state.bytes_left),
        nest: m.nest.replace(state.nest),
    })
}

/// Ends the evaluation. No filter of jaq sees an unwinding, so none can catch it.
pub(super) fn trip(why: Trip) -> ! {
    resume_unwind(Box::new(why))
}

/// Charges one tick: a value was copied.
pub(super) fn charge_copy() {
    ticks(1);
}

/// Charges `n` units.
pub(super) fn charge(n: usize) {
    ticks((n as u64).saturating_mul(TICKS));
}

/// Charges for looking at `n` bytes of text.
pub(super) fn charge_scan(n: usize) {
    ticks(1 + (n as u64) / 8);
}

/// Charges `n` bytes built, and the work of writing them.
pub(super) fn charge_bytes(n: usize) {
    let short = METER.with(|m| {
        let left = m.bytes_left.get();
        m.bytes_left.set(left.saturating_sub(n as u64));
        left < n as u64
    });
    if short {
        trip(Trip::Bytes);
    }
    ticks((n as u64) / 16);
}

/// Charges `n` list items or members built or moved.
pub(super) fn charge_items(n: usize) {
    charge_bytes(n.saturating_mul(size_of::<provost_model::Value>()));
    ticks(n as u64);
}

fn ticks(n: u64) {
    let short = METER.with(|m| {
        let left = m.ticks_left.get();
        m.ticks_left.set(left.saturating_sub(n));
        left < n
    });
    if short {
        trip(Trip::Fuel);
    }
}

/// Ends the evaluation when the stack is nearly used up.
pub(super) fn check_stack() {
    if stacker::remaining_stack().is_some_and(|left| left < STACK_BYTES_MIN) {
        trip(Trip::Depth);
    }
}

/// Held while an update works inside a child.
pub(super) struct Nested;

impl Nested {
    pub(super) fn enter() -> Self {
        check_stack();
        let depth = METER.with(|m| {
            let depth = m.nest.get() + 1;
            m.nest.set(depth);
            depth
        });
        let guard = Self;
        if depth > NEST_MAX {
            trip(Trip::Depth);
        }
        guard
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        METER.with(|m| m.nest.set(m.nest.get().saturating_sub(1)));
    }
}

/// Holds the meter of one evaluation; the one before comes back when it ends, however it ends.
pub(super) struct Metered {
    before: State,
    limits: Fuel,
}

impl Metered {
    pub(super) fn start(limits: Fuel) -> Self {
        let ticks_left = limits.units_max.saturating_mul(TICKS);
        Self { before: swap(State { ticks_left, bytes_left: limits.bytes_max, nest: 0 }), limits }
    }

    /// What was burned until now.
    pub(super) fn burned(&self) -> Burned {
        METER.with(|m| {
            let ticks = self.limits.units_max.saturating_mul(TICKS).saturating_sub(m.ticks_left.get());
            Burned { units: ticks.div_ceil(TICKS), bytes: self.limits.bytes_max.saturating_sub(m.bytes_left.get()) }
        })
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        swap(self.before);
    }
}

/// Runs `work` without a meter: for compiling.
pub(super) fn unmetered<T>(work: impl FnOnce() -> T) -> T {
    let _metered = Metered { before: swap(UNMETERED), limits: Fuel { units_max: u64::MAX, bytes_max: u64::MAX } };
    work()
}
