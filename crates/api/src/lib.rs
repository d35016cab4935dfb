//! The contract of the HTTP API: wire types and problem bodies. What is absent: handlers, policy, and any type of the core that is not
//! meant to be seen from outside.

pub mod cloudevents;
pub mod exchange;
pub mod openapi;
pub mod problem;
pub mod resources;
