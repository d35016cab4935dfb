//! Pure machines for shared state that belongs to no orchestration: breakers, rate limits, quotas, concurrency keys, ordering keys.
//!
//! What must stay true: synchronous; time arrives as an argument and never goes back (an earlier time counts as the latest seen); the
//! answer is a [`provost_model::record::Admission`], which the record keeps. What is absent: clocks, storage, and knowing who asks.

mod breaker;
mod concurrency;
mod line;
mod quota;
mod rate_limit;

pub use breaker::{Breaker, BreakerState};
pub use concurrency::{Concurrency, HOLDERS_NAMED, REPLACED_MAX};
pub use line::{LINE_MAX, Line};
pub use quota::Quota;
pub use rate_limit::RateLimit;

use provost_model::record::Admission;

/// It may go at once.
fn admitted(what: &str) -> Admission {
    Admission { what: what.into(), effect: None, attempt: 0, delayed_until_us: None, refused: None, number: None, behind: None }
}

/// It may go at `until_us`, in microseconds UTC; ask again then.
fn delayed(what: &str, until_us: i64) -> Admission {
    Admission { delayed_until_us: Some(until_us), ..admitted(what) }
}

/// It may not go; waiting does not help by itself.
fn refused(what: &str, why: &str) -> Admission {
    Admission { refused: Some(why.into()), ..admitted(what) }
}
