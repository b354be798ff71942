//! What a scalar means: the core schema of YAML 1.2, as serde_yaml has it too.

use serde_yaml::{Number, Value};

use super::{Kind, Node};

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The characters of a scalar, whatever they mean.
    pub fn raw(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map { .. } => None,
        }
    }

    /// The node as a value of serde_yaml.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain: true } => resolve(text),
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::List(list) => Value::Sequence(list.iter().map(Self::to_value).collect()),
            Kind::Map { entries, .. } => Value::Mapping(
                entries.iter().map(|entry| (Value::String(entry.key.clone()), entry.value.to_value())).collect(),
            ),
        }
    }

    /// What kind of value this is, for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Map { .. } => "a map".to_owned(),
            Kind::Scalar { text, .. } => match self.to_value() {
                Value::Null => "nothing".to_owned(),
                Value::Bool(_) | Value::Number(_) => text.clone(),
                _ => format!("\"{text}\""),
            },
        }
    }
}

/// The value of a plain scalar.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => f64::NAN.into(),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let prefix = |prefix, radix| digits.strip_prefix(prefix).map(|rest| (rest, radix));
    let (rest, radix) = prefix("0x", 16).or(prefix("0o", 8)).or(prefix("0b", 2)).unwrap_or((digits, 10));
    // `007` is a name, not a number.
    let is_name = radix == 10 && rest.len() > 1 && rest.starts_with('0') && rest.bytes().all(|b| b.is_ascii_digit());
    if !rest.starts_with(['+', '-'])
        && !is_name
        && let Ok(magnitude) = i128::from_str_radix(rest, radix)
    {
        let whole = if is_negative { -magnitude } else { magnitude };
        if let Ok(whole) = u64::try_from(whole) {
            return Some(whole.into());
        }
        if let Ok(whole) = i64::try_from(whole) {
            return Some(whole.into());
        }
    }
    let float = match digits {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        _ => digits.parse().ok().filter(|float: &f64| float.is_finite() && !is_name)?,
    };
    Some((if is_negative { -float } else { float }).into())
}
