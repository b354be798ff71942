//! A trash entry as the input of `git fast-import`, which takes bytes as they are and sets the ref last.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Inventory, Record};
use crate::git::disk::{Disk, Entry};

/// Everything that goes into the stream.
pub(super) struct Stream {
    pub reference: String,
    pub record: Record,
    /// Tree of the index, hex.
    pub index: String,
    pub inventory: Inventory,
    pub disk: Disk,
}

impl Stream {
    /// Marks: 1 index, 2 files, 3 ignored files. The last commit on the ref is the entry itself.
    pub fn write(mut self, pipe: &mut dyn Write) -> io::Result<()> {
        let ignored = std::mem::take(&mut self.inventory.ignored);
        if self.record.has_ignored {
            // First, for a commit that names no parent stands alone only while the ref is new.
            self.commit(pipe, 3, "ignored files")?;
            self.files(pipe, &ignored)?;
        }
        self.commit(pipe, 1, "index")?;
        writeln!(pipe, "from {}\nM 040000 {} \"\"", self.record.head, self.index)?;
        self.commit(pipe, 2, "files")?;
        writeln!(pipe, "from :1")?;
        let changed = std::mem::take(&mut self.inventory.changed);
        let untracked = std::mem::take(&mut self.inventory.untracked);
        self.files(pipe, &changed)?;
        self.files(pipe, &untracked)?;
        let record = serde_json::to_string(&self.record).map_err(io::Error::other)?;
        self.commit(pipe, 4, &format!("orchestra trash: {}\n\n{record}", self.record.slug))?;
        writeln!(pipe, "from {}\nmerge :1\nmerge :2", self.record.head)?;
        if self.record.has_ignored {
            writeln!(pipe, "merge :3")?;
        }
        if let Some(tip) = self.record.tip.as_ref().filter(|tip| **tip != self.record.head) {
            writeln!(pipe, "merge {tip}")?;
        }
        writeln!(pipe, "done")
    }

    fn commit(&self, pipe: &mut dyn Write, mark: u8, message: &str) -> io::Result<()> {
        writeln!(pipe, "commit {}\nmark :{mark}", self.reference)?;
        writeln!(pipe, "committer Orchestra <orchestra@localhost> {} +0000", self.record.time)?;
        writeln!(pipe, "data {}\n{message}", message.len())
    }

    /// Each path as it lies on disk; one that cannot be read goes to the record.
    fn files(&mut self, pipe: &mut dyn Write, paths: &[PathBuf]) -> io::Result<()> {
        for path in paths {
            let name = quoted(path);
            match self.content(path) {
                Ok(Some((mode, bytes))) => {
                    writeln!(pipe, "M {mode} inline {name}\ndata {}", bytes.len())?;
                    pipe.write_all(&bytes)?;
                    writeln!(pipe)?;
                }
                Ok(None) => writeln!(pipe, "D {name}")?,
                Err(error) => self.record.unsaved.push(format!("{}: {error}", path.display())),
            }
        }
        Ok(())
    }

    fn content(&self, path: &Path) -> io::Result<Option<(&'static str, Vec<u8>)>> {
        Ok(match self.disk.stat(path)? {
            Entry::File { executable, .. } => {
                Some((if executable { "100755" } else { "100644" }, self.disk.read(path, u64::MAX)?))
            }
            Entry::Symlink => Some(("120000", self.disk.link(path)?)),
            Entry::Missing | Entry::Folder => None,
            Entry::Special => return Err(io::Error::other("no regular file")),
        })
    }
}

/// A path in the quotes of git: every byte that is not plain as three octal digits.
fn quoted(path: &Path) -> String {
    let plain = |b: u8| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\';
    let bytes = path.as_os_str().as_bytes().iter();
    let text: String =
        bytes.map(|&b| if plain(b) { char::from(b).to_string() } else { format!("\\{b:03o}") }).collect();
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_t17_every_byte_of_a_name_survives_the_quotes() {
        assert_eq!(quoted(Path::new("a b/ü\n\"x\\.txt")), r#""a b/\303\274\012\042x\134.txt""#);
    }
}
