//! What a scalar means: the core schema of YAML 1.2, as serde_yaml has it too.

use serde_yaml::Value;

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
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return f64::NAN.into(),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x")
        && let Ok(number) = i64::from_str_radix(digits, 16)
    {
        return number.into();
    }
    if let Some(digits) = text.strip_prefix("0o")
        && let Ok(number) = i64::from_str_radix(digits, 8)
    {
        return number.into();
    }
    let digits = text.trim_start_matches(['+', '-']);
    if digits.len() + 1 >= text.len() && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
        let infinite = matches!(digits, ".inf" | ".Inf" | ".INF");
        let number = if infinite { Ok(f64::INFINITY) } else { digits.parse::<f64>() };
        if let Ok(number) = number {
            return (if text.starts_with('-') { -number } else { number }).into();
        }
    }
    Value::String(text.to_owned())
}
