//! The one owner of shared state: drives tasks through their flows and serves requests.

pub mod pipeline;
