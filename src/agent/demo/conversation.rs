//! The scripted agent's memory: what was said, a JSON object a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Speaker {
    You,
    Agent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saying {
    pub who: Speaker,
    pub text: String,
}

/// One conversation, on disk as soon as it is said.
#[derive(Debug)]
pub(super) struct Conversation {
    file: File,
    /// What was said before this process.
    pub past: Vec<Saying>,
}

impl Conversation {
    /// The conversation `id` in `folder`, which is made when it is missing. A line that was cut off is left out.
    pub fn open(folder: &Path, id: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{id}.jsonl"));
        let past = match fs::read_to_string(&path) {
            Ok(text) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        Ok(Self { file, past })
    }

    pub fn say(&mut self, who: Speaker, text: &str) -> io::Result<()> {
        let mut line = serde_json::to_string(&Saying { who, text: text.to_owned() })?;
        line.push('\n');
        self.file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut conversation = Conversation::open(&folder.path().join("demo"), "x").unwrap();
        conversation.say(Speaker::You, "a\nb").unwrap();
        conversation.say(Speaker::Agent, "c").unwrap();
        conversation.file.write_all(b"{\"who\":\"you\",\"te").unwrap();
        let past = Conversation::open(&folder.path().join("demo"), "x").unwrap().past;
        let past: Vec<_> = past.iter().map(|saying| (saying.who, saying.text.as_str())).collect();
        assert_eq!(past, [(Speaker::You, "a\nb"), (Speaker::Agent, "c")]);
    }
}
