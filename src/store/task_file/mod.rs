//! tmp
pub fn title(body: &str) -> Option<String> { body.lines().next().and_then(|line| line.strip_prefix("# ")).map(str::to_owned) }
