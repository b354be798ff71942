//! Which file a setting comes from: what `orchestra config show --origin` says.

use serde_yaml::Value;

use super::super::paths::{Folder, Home};
use super::super::yaml::Node;
use super::{flaws, key, text_of, texts};

/// Where a setting comes from; later ones win. A task's header and flags come after them, for that task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    Default,
    /// `~/.orchestra/config.yaml`
    User,
    /// `.orchestra/config.yaml`
    Project,
}

impl Layer {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// Every setting in force, in the order of the table: dotted key, value as YAML on one line, and where it comes from. Maps of
/// free words (`agents`, `keys.bind`) are told entry by entry. A file that is refused counts as absent, as [`super::check`] tells.
pub fn origins(home: &Home, folder: &Folder) -> Vec<(String, String, Layer)> {
    let mut layers = vec![(Layer::Default, key::defaults())];
    for (layer, _, text) in texts(home, folder) {
        let node = text.ok().flatten().and_then(|text| Node::parse(text_of(&text)).ok());
        let valid = node.filter(|node| flaws(layer, node).is_empty());
        layers.extend(valid.map(|node| (layer, node.to_value())));
    }
    let mut all = Vec::new();
    for path in key::paths() {
        let parts: Vec<&str> = path.split('.').collect();
        let below: Vec<(Layer, &Value)> = layers
            .iter()
            .filter_map(|(layer, root)| {
                let value = parts.iter().try_fold(root, |value, part| value.get(*part))?;
                (*layer == Layer::Default || !value.is_null()).then_some((*layer, value))
            })
            .collect();
        tell(path, &below, &mut all);
    }
    all
}

/// The value of a key in the layers that have one, the last one in force: maps entry by entry.
fn tell(path: &str, layers: &[(Layer, &Value)], all: &mut Vec<(String, String, Layer)>) {
    let Some((layer, value)) = layers.last() else { return };
    let Value::Mapping(_) = value else { return all.push((path.to_owned(), one_line(value), *layer)) };
    // What is no map is hidden by the map above it.
    let hidden = layers.iter().rposition(|(_, value)| !value.is_mapping()).map_or(0, |at| at + 1);
    let maps: Vec<_> =
        layers[hidden..].iter().filter_map(|(layer, value)| Some((*layer, value.as_mapping()?))).collect();
    let mut keys: Vec<&Value> = Vec::new();
    for key in maps.iter().flat_map(|(_, map)| map.keys()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return all.push((path.to_owned(), one_line(value), *layer));
    }
    for key in keys {
        let found = maps.iter().filter_map(|(layer, map)| Some((*layer, map.get(key)?)));
        let found: Vec<_> = found.filter(|(_, value)| !value.is_null()).collect();
        tell(&format!("{path}.{}", one_line(key)), &found, all);
    }
}

/// Lists and maps in braces, which is YAML too.
fn one_line(value: &Value) -> String {
    let text = match value {
        Value::Sequence(_) | Value::Mapping(_) => serde_json::to_string(value).ok(),
        Value::String(text) if text.contains('\n') => serde_json::to_string(text).ok(),
        _ => serde_yaml::to_string(value).ok(),
    };
    text.unwrap_or_default().trim_end().to_owned()
}
