//! Real agents for tests: where they are installed, the scripted model server that answers them, a clean home.
//!
//! Agents lie in `$ORCHESTRA_TEST_AGENTS` or `~/.cache/orchestra-agents`, each in a folder of its name as npm fills it
//! (`npm install --prefix DIR/opencode opencode-ai@1.18.33`); the model server in `$ORCHESTRA_SHARED/tools`, or in
//! `../shared/tools` beside the repository. Where one is missing, a test says so loudly and ends.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a test with a real agent needs, or none with a loud line.
pub struct Workplace {
    /// Folder of the agent's program.
    pub bin: PathBuf,
    pub server: ModelServer,
    dir: tempfile::TempDir,
}

impl Workplace {
    /// OpenCode with the scripted model of `scenario`, in a home and a git worktree of its own.
    pub fn opencode(scenario: &str) -> Option<Self> {
        let program = opencode_program().or_else(|| skipped("OpenCode is not installed"))?;
        let script = model_server().or_else(|| skipped("the model server is not there"))?;
        let dir = tempfile::tempdir().unwrap();
        let server = ModelServer::start(&script, scenario, dir.path());
        let place = Self { bin: program.parent().unwrap().to_owned(), server, dir };
        fs::create_dir_all(place.home().join(".config/opencode")).unwrap();
        fs::create_dir_all(place.session_dir()).unwrap();
        fs::write(place.home().join(".config/opencode/opencode.json"), opencode_config(place.server.port)).unwrap();
        fs::write(place.dir.path().join("models.json"), "{}").unwrap();
        place.git(&["init", "-q", "-b", "main", "task"]);
        place.git(&["-C", "task", "commit", "-q", "--allow-empty", "-m", "start"]);
        Some(place)
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn worktree(&self) -> PathBuf {
        self.dir.path().join("task")
    }

    pub fn session_dir(&self) -> PathBuf {
        self.dir.path().join("session")
    }

    /// A folder with programs of the test's own, such as an `orchestra` that notes what it gets.
    pub fn bin_dir(&self) -> PathBuf {
        let bin = self.dir.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        bin
    }

    /// All that an agent inherits: nothing of the person who runs the tests.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin.display());
        let (home, models) = (self.home(), self.dir.path().join("models.json"));
        let fixed = [
            ("PATH", path.as_str()),
            ("HOME", home.to_str().unwrap()),
            ("LANG", "C.UTF-8"),
            ("SHELL", "/bin/bash"),
            ("USER", "tester"),
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            // Else it reads all models that there are, at each start twice: a fifth of what a turn costs.
            ("OPENCODE_MODELS_PATH", models.to_str().unwrap()),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"),
            ("OPENCODE_DISABLE_SHARE", "1"),
            ("npm_config_offline", "true"),
        ];
        fixed.map(|(name, value)| (name.into(), value.into())).to_vec()
    }

    fn git(&self, args: &[&str]) {
        let done = Command::new("git")
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs([
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_AUTHOR_NAME", "Ada"),
                ("GIT_AUTHOR_EMAIL", "ada@example.invalid"),
                ("GIT_COMMITTER_NAME", "Ada"),
                ("GIT_COMMITTER_EMAIL", "ada@example.invalid"),
                ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
                ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
            ])
            .status()
            .unwrap();
        assert!(done.success(), "git {args:?}");
    }
}

/// A model server at work; it ends with the value.
pub struct ModelServer {
    pub port: u16,
    child: Child,
}

impl ModelServer {
    fn start(script: &Path, scenario: &str, dir: &Path) -> Self {
        let file = dir.join("scenario.json");
        fs::write(&file, scenario).unwrap();
        let mut child = Command::new("python3")
            .arg(script)
            .args(["--port", "0", "--lifetime", "600", "--scenario"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs the model server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { port: line.trim().parse().expect("the first line is the port"), child }
    }

    /// What agents asked so far.
    pub fn requests(&self) -> Vec<serde_json::Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /_/requests HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn opencode_config(port: u16) -> String {
    serde_json::json!({
        "model": "test/test-model",
        "small_model": "test/test-model",
        "share": "disabled",
        "enabled_providers": ["test"],
        "provider": {"test": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Test",
            "options": {"baseURL": format!("http://127.0.0.1:{port}/v1"), "apiKey": "none"},
            "models": {"test-model": {
                "name": "Test", "tool_call": true, "limit": {"context": 200_000, "output": 32_000},
            }},
        }},
    })
    .to_string()
}

fn opencode_program() -> Option<PathBuf> {
    let root = std::env::var_os("ORCHESTRA_TEST_AGENTS").map(PathBuf::from);
    let root = root.or_else(|| std::env::home_dir().map(|home| home.join(".cache/orchestra-agents")))?;
    let mut packages: Vec<_> = fs::read_dir(root.join("opencode/node_modules"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/opencode").is_file())
        .collect();
    // `opencode-linux-x64` before its `-baseline`, which is for old processors.
    packages.sort_by_key(|path| path.as_os_str().len());
    packages.first().map(|path| path.join("bin/opencode"))
}

fn model_server() -> Option<PathBuf> {
    let shared = std::env::var_os("ORCHESTRA_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    Some(shared.join("tools/model_server.py")).filter(|path| path.is_file())
}

/// Written past the test harness, which would keep it to itself.
fn skipped<T>(why: &str) -> Option<T> {
    assert!(std::env::var_os("ORCHESTRA_REQUIRE_AGENTS").is_none(), "{why}, and ORCHESTRA_REQUIRE_AGENTS is set");
    _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    None
}
