//! Pure machines for shared state that belongs to no orchestration: breakers, rate limits, quotas, concurrency keys.
