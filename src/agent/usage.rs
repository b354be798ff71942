//! What an agent's print mode says that it took: lines of JSON, found by the manifest's pointers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::model::Usage;

/// Where the figures are in a line of JSON; pointers as RFC 6901 has them (`/part/tokens/input`), summed up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageBy {
    /// What a line has that tells it: pointers, and the texts there.
    pub when: BTreeMap<String, String>,
    pub input: Vec<String>,
    #[serde(default)]
    pub cached: Vec<String>,
    pub output: Vec<String>,
    /// US dollars.
    #[serde(default)]
    pub cost: Vec<String>,
}

impl UsageBy {
    /// What each line took that tells it.
    pub fn read<'a>(&'a self, printed: &'a str) -> impl Iterator<Item = Usage> + 'a {
        printed.lines().filter(|line| line.starts_with('{')).filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let holds = |(pointer, text): (&String, &String)| line.pointer(pointer).is_some_and(|value| value == text);
            self.when.iter().all(holds).then(|| self.sum(&line))
        })
    }

    fn sum(&self, line: &Value) -> Usage {
        let all = |pointers: &[String], figure: fn(&Value) -> u64| {
            pointers.iter().filter_map(|pointer| line.pointer(pointer)).map(figure).sum()
        };
        let count: fn(&Value) -> u64 = |value| value.as_u64().unwrap_or_default();
        Usage {
            input: all(&self.input, count),
            cached: all(&self.cached, count),
            output: all(&self.output, count),
            cost: all(&self.cost, micros),
        }
    }
}

/// Dollars as millionths of one; what is no amount is none.
pub fn micros(dollars: &Value) -> u64 {
    // A negative one, or one that is no number, becomes 0.
    (dollars.as_f64().unwrap_or_default() * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Catalog;

    fn read(agent: &str, printed: &str) -> Vec<Usage> {
        let catalog = Catalog::new(&BTreeMap::new()).unwrap();
        let by = catalog.get(agent).unwrap().usage.clone().unwrap();
        by.read(printed).collect()
    }

    #[test]
    fn print_modes_tell_what_they_took() {
        // Printed by OpenCode 1.18.33.
        let opencode = r#"{"type":"step_start","timestamp":1,"part":{"type":"step-start","tokens":{"input":9}}}
no JSON
{"type":"step_finish","part":{"id":"prt_1","type":"step-finish","tokens":{"total":2396,"input":2395,"output":1,"reasoning":3,"cache":{"write":5,"read":7}},"cost":0.0072}}"#;
        let taken = Usage { input: 2400, cached: 7, output: 4, cost: 7200 };
        assert_eq!(read("opencode", opencode), [taken]);
        // Printed by Claude Code 2.1.329, shortened.
        let claude = r#"{"type":"assistant","usage":{"input_tokens":9}}
{"type":"result","subtype":"success","total_cost_usd":0.25,"usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":30,"output_tokens":4}}"#;
        assert_eq!(read("claude", claude), [Usage { input: 12, cached: 30, output: 4, cost: 250_000 }]);
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for (text, expected) in [("-1", 0), ("\"1\"", 0), ("null", 0), ("0.0000005", 1), ("1e30", u64::MAX)] {
            assert_eq!(micros(&serde_json::from_str(text).unwrap()), expected, "{text}");
        }
    }
}
