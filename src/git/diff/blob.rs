//! Blobs of the repository, from one `git cat-file` child for as long as a diff takes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use crate::git::error::GitError;
use crate::git::repo::Repo;

/// The child, started at the first question.
pub(crate) struct Blobs<'a> {
    repo: &'a Repo,
    child: Option<Pipes>,
}

struct Pipes {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl<'a> Blobs<'a> {
    pub fn new(repo: &'a Repo) -> Self {
        Self { repo, child: None }
    }

    /// Size in bytes; none when the object is not here (a partial clone).
    pub fn size(&mut self, oid: &str) -> Result<Option<u64>, GitError> {
        self.ask("info", oid).map(|(size, _)| size)
    }

    /// The whole content, without any conversion.
    pub fn read(&mut self, oid: &str) -> Result<Vec<u8>, GitError> {
        let root = self.repo.root().to_owned();
        let (size, pipes) = self.ask("contents", oid)?;
        let size = size.ok_or_else(|| GitError::NoSuchRef { name: oid.to_owned() })?;
        let mut bytes = vec![0; size as usize];
        let mut end = [0];
        pipes
            .answer
            .read_exact(&mut bytes)
            .and_then(|()| pipes.answer.read_exact(&mut end))
            .map_err(GitError::io(&root))?;
        Ok(bytes)
    }

    fn ask(&mut self, verb: &str, oid: &str) -> Result<(Option<u64>, &mut Pipes), GitError> {
        if self.child.is_none() {
            self.child = Some(Pipes::start(self.repo)?);
        }
        let pipes = self.child.as_mut().expect("invariant: it was started above");
        let line = pipes.exchange(verb, oid).map_err(GitError::io(self.repo.root()))?;
        Ok((line.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok()), pipes))
    }
}

impl Pipes {
    fn start(repo: &Repo) -> Result<Self, GitError> {
        let mut child = repo.git().spawn(repo.root(), &["cat-file", "--batch-command"])?;
        let ask = child.stdin.take().expect("invariant: its input is piped");
        let answer = BufReader::new(child.stdout.take().expect("invariant: its output is piped"));
        Ok(Self { child, ask, answer })
    }

    fn exchange(&mut self, verb: &str, oid: &str) -> io::Result<String> {
        writeln!(self.ask, "{verb} {oid}")?;
        let mut line = String::new();
        self.answer.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
