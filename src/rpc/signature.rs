//! What a call takes, as its type describes it, and calls that are read against that: the socket's methods, the tools of MCP.
//!
//! Invariant: whatever is wrong with a call is told with the name of the parameter.

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::wire::Fault;
use crate::model::meant;

/// A variant of an enum with tag `method` and content `params`.
#[derive(Debug, Clone)]
pub struct Signature {
    /// One line, empty when the name says it all.
    pub about: String,
    /// Schema of the parameters; none: it takes none.
    pub params: Option<Value>,
}

/// All variants of `T` by name, in their order.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> impl Iterator<Item = (String, Signature)> + use<T> {
    let mut schema = T::json_schema(generator).to_value();
    let variants = schema["oneOf"].as_array_mut().map(std::mem::take).unwrap_or_default();
    variants.into_iter().map(|variant| {
        let properties = &variant["properties"];
        let name = properties["method"]["const"].as_str().unwrap_or_default().to_owned();
        let about = variant["description"].as_str().unwrap_or_default().to_owned();
        (name, Signature { about, params: properties.get("params").cloned() })
    })
}

impl Signature {
    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let properties = self.params.as_ref().and_then(|params| params["properties"].as_object());
        properties.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    pub fn takes(&self, name: &str) -> bool {
        self.names().any(|it| it == name)
    }

    /// Whether it cannot be called without this parameter.
    pub fn requires(&self, name: &str) -> bool {
        let required = self.params.as_ref().and_then(|params| params["required"].as_array());
        required.is_some_and(|names| names.iter().any(|it| it == name))
    }

    /// Refuses parameters that there are not.
    pub fn check_names(&self, params: &Map<String, Value>) -> Result<(), Fault> {
        let Some(name) = params.keys().find(|name| !self.takes(name)) else { return Ok(()) };
        let fault = Fault::params(format!("{name}: there is no such parameter."));
        Err(fault.nearest(meant(name, self.names())))
    }

    /// The typed call of this name; what is wrong names the parameter.
    pub fn read<T: DeserializeOwned>(&self, name: &str, params: Map<String, Value>) -> Result<T, Fault> {
        let mut call = Map::from_iter([("method".to_owned(), json!(name))]);
        if self.params.is_some() {
            call.insert("params".to_owned(), Value::Object(params));
        }
        serde_path_to_error::deserialize(Value::Object(call)).map_err(|wrong| {
            let path = wrong.path().to_string();
            let field = path.strip_prefix("params").unwrap_or(&path).trim_start_matches('.');
            let text = wrong.inner().to_string();
            Fault::params(if field.is_empty() { format!("{text}.") } else { format!("{field}: {text}.") })
        })
    }
}
