//! Real agents for tests: where they are installed, the scripted model server that answers them, a clean home.
//!
//! Agents lie in `$ORCHESTRA_TEST_AGENTS` or `~/.cache/orchestra-agents`, each in a folder of its name as npm fills it
//! (`npm install --prefix DIR/opencode opencode-ai@1.18.33`, see `.ci/run`); the model server in `$ORCHESTRA_SHARED/tools`, or in
//! `../shared/tools` beside the repository. Where one is missing, a test says so loudly and ends.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where Claude Code keeps what it has asked its user.
const CLAUDE_SETTINGS: &str = ".claude.json";

const CODEX_SETTINGS: &str = ".codex/config.toml";

/// What a test with a real agent needs, or none with a loud line.
pub struct Workplace {
    /// Its name in the settings.
    pub agent: &'static str,
    /// Folder of the agent's program.
    pub bin: PathBuf,
    pub server: ModelServer,
    dir: tempfile::TempDir,
}

impl Workplace {
    /// OpenCode with the scripted model of `scenario`, in a home and a git worktree of its own.
    pub fn opencode(scenario: &str) -> Option<Self> {
        Self::of("opencode", scenario)
    }

    /// The agent of this name with the scripted model of `scenario`, in a home and a git worktree of its own.
    pub fn of(agent: &'static str, scenario: &str) -> Option<Self> {
        let program = program(agent).or_else(|| skipped(&format!("{agent} is not installed")))?;
        let script = model_server().or_else(|| skipped("the model server is not there"))?;
        let dir = tempfile::tempdir().unwrap();
        let server = ModelServer::start(&script, scenario, dir.path());
        let place = Self { agent, bin: program.parent().unwrap().to_owned(), server, dir };
        fs::create_dir_all(place.session_dir()).unwrap();
        fs::write(place.dir.path().join("models.json"), "{}").unwrap();
        let (file, settings) = match agent {
            "opencode" => (".config/opencode/opencode.json", opencode_config(place.server.port)),
            "claude" => (CLAUDE_SETTINGS, r#"{"hasCompletedOnboarding": true}"#.to_owned()),
            "codex" => (CODEX_SETTINGS, codex_config(place.server.port)),
            _ => panic!("no agent that tests know: {agent}"),
        };
        place.settle(file, &settings);
        place.git(&["init", "-q", "-b", "main", "task"]);
        place.git(&["-C", "task", "commit", "-q", "--allow-empty", "-m", "start"]);
        Some(place)
    }

    /// Writes a file of the agent's own settings, as its user has it.
    pub fn settle(&self, file: &str, text: &str) {
        let file = self.home().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Its user has said once that this repository may be trusted.
    pub fn trust(&self, repository: &Path) {
        let repository = repository.to_str().unwrap();
        match self.agent {
            "claude" => {
                let projects = serde_json::json!({repository: {"hasTrustDialogAccepted": true}});
                let settings = serde_json::json!({"hasCompletedOnboarding": true, "projects": projects});
                self.settle(CLAUDE_SETTINGS, &settings.to_string());
            }
            "codex" => {
                let settings = codex_config(self.server.port);
                let trust = format!("[projects.{repository:?}]\ntrust_level = \"trusted\"\n");
                self.settle(CODEX_SETTINGS, &format!("{settings}{trust}"));
            }
            _ => {}
        }
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
        let models_url = format!("http://127.0.0.1:{}", self.server.port);
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
            ("ANTHROPIC_BASE_URL", models_url.as_str()),
            ("ANTHROPIC_AUTH_TOKEN", "none"),
            // What still asks for another machine asks a port where nobody listens.
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"),
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
        serde_json::from_str(&self.call("GET", "/_/requests")).unwrap()
    }

    /// Lets the replies go on that wait for `name`, now or later.
    pub fn release(&self, name: &str) {
        self.call("POST", &format!("/_/release/{name}"));
    }

    fn call(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
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

fn codex_config(port: u16) -> String {
    format!(
        "model = \"test-model\"\nmodel_provider = \"test\"\n\
         [model_providers.test]\nname = \"Test\"\nbase_url = \"http://127.0.0.1:{port}/v1\"\nwire_api = \"responses\"\n\
         [analytics]\nenabled = false\n[features]\nplugins = false\n"
    )
}

/// Where npm puts an agent's program, `*` being any one name: the native one where there is one, which needs no node.
fn program(agent: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ORCHESTRA_TEST_AGENTS").map(PathBuf::from);
    let root = root.or_else(|| std::env::home_dir().map(|home| home.join(".cache/orchestra-agents")))?;
    let place = match agent {
        "opencode" => "*/bin/opencode",
        "codex" => "@openai/codex-*/vendor/*/bin/codex",
        _ => return Some(root.join(agent).join("node_modules/.bin").join(agent)).filter(|path| path.is_file()),
    };
    let mut found = vec![root.join(agent).join("node_modules")];
    for part in place.split('/') {
        found = found.iter().flat_map(|folder| fitting(folder, part)).collect();
    }
    // `opencode-linux-x64` before its `-baseline`, which is for old processors.
    found.into_iter().min_by_key(|path| path.as_os_str().len())
}

/// What is in the folder by this name, which may hold one `*`.
fn fitting(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Some((front, back)) = name.split_once('*') else {
        return Some(folder.join(name)).filter(|path| path.exists()).into_iter().collect();
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let fits = |path: &PathBuf| {
        path.file_name().and_then(|it| it.to_str()).is_some_and(|it| it.starts_with(front) && it.ends_with(back))
    };
    entries.filter(fits).collect()
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
