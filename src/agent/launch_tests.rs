use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::agent::Catalog;

/// A launch with everything at its plainest.
struct Bench {
    dir: tempfile::TempDir,
    manifest: Manifest,
}

impl Bench {
    fn built_in(name: &str) -> Self {
        let manifest = Catalog::new(&BTreeMap::new()).unwrap().get(name).unwrap().clone();
        Self { dir: tempfile::tempdir().unwrap(), manifest }
    }

    fn of(entry: &str) -> Self {
        let manifest = Manifest::from_value("bot", &serde_yaml::from_str(entry).unwrap()).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), manifest }
    }

    fn plan<'a>(&'a self, conversation: Conversation<'a>, prompt: Option<&'a str>) -> LaunchPlan<'a> {
        LaunchPlan {
            manifest: &self.manifest,
            mode: Mode::Interactive,
            worktree: Path::new("/w t"),
            conversation,
            prompt,
            permissions: PermissionMode::Edits,
            disallowed_tools: &[],
            model: None,
            session_dir: self.dir.path(),
            session: "one",
            bin_dir: None,
            readable: &[],
            inherited: &[],
            variables: &[],
        }
    }

    fn argv(&self, conversation: Conversation<'_>, prompt: Option<&str>) -> (Vec<String>, LaunchExtras) {
        let (launch, extras) = launch(&self.plan(conversation, prompt)).unwrap();
        (words(&launch), extras)
    }
}

fn words(launch: &Launch) -> Vec<String> {
    launch.argv.iter().map(|arg| arg.to_str().unwrap().to_owned()).collect()
}

fn variable<'l>(launch: &'l Launch, name: &str) -> &'l str {
    launch.env.iter().find(|(known, _)| known == name).unwrap().1.to_str().unwrap()
}

#[test]
fn opencode_starts_with_a_port_a_password_and_its_prompt() {
    let bench = Bench::built_in("opencode");
    let plan = LaunchPlan { model: Some("test/m"), ..bench.plan(Conversation::Fresh, Some("-x\n{port} \"y\"")) };
    let (launch, extras) = launch(&plan).unwrap();
    let events = extras.events.unwrap();
    let port = events.port.to_string();
    assert_eq!(words(&launch), ["opencode", "--port", &port, "--model", "test/m", "--prompt=-x\n{port} \"y\""]);
    assert_eq!(variable(&launch, "OPENCODE_SERVER_PASSWORD"), events.password);
    assert_eq!(events.password.len(), 48);
    assert_eq!((extras.conversation, extras.typed), (None, None));
    assert_eq!(launch.cwd, Path::new("/w t"));
}

#[test]
fn opencode_resumes_by_id_and_its_prompt_is_typed() {
    let (argv, extras) = Bench::built_in("opencode").argv(Conversation::Resume("ses_1"), Some("go on"));
    assert_eq!(
        (&argv[3..], extras.typed.as_deref()),
        (&["--session".to_owned(), "ses_1".to_owned()][..], Some("go on"))
    );
    assert_eq!(extras.conversation.as_deref(), Some("ses_1"));
}

#[test]
fn opencode_permissions_are_json_with_the_readable_folders() {
    let bench = Bench::built_in("opencode");
    let readable = [PathBuf::from("/art \"q\"\\")];
    for (permissions, edit, bash) in [
        (PermissionMode::Ask, "ask", "ask"),
        (PermissionMode::Edits, "allow", "ask"),
        (PermissionMode::All, "allow", ""),
    ] {
        let plan = LaunchPlan { permissions, readable: &readable, ..bench.plan(Conversation::Fresh, None) };
        let (launch, _) = launch(&plan).unwrap();
        let granted: serde_json::Value = serde_json::from_str(variable(&launch, "OPENCODE_PERMISSION")).unwrap();
        assert_eq!(granted["edit"], edit);
        if permissions == PermissionMode::All {
            assert_eq!(granted["bash"], "allow");
        } else {
            assert_eq!(granted["bash"]["*"], bash);
            assert_eq!(granted["bash"]["orchestra submit*"], "allow");
            assert_eq!(granted["external_directory"]["*"], "ask");
            assert_eq!(granted["external_directory"]["/art \"q\"\\/*"], "allow");
        }
    }
}

#[test]
fn claude_gets_an_id_of_ours_and_its_prompt_apart() {
    let bench = Bench::built_in("claude");
    let (argv, extras) = bench.argv(Conversation::Fresh, Some("--help"));
    let id = extras.conversation.unwrap();
    assert_eq!(argv[..5], ["claude", "--session-id", &id, "--permission-mode", "acceptEdits"]);
    assert_eq!(argv[argv.len() - 2..], ["--", "--help"]);
    let settings: serde_json::Value = serde_json::from_str(&argv[6]).unwrap();
    assert_eq!(settings["permissions"]["allow"][0], "Bash(orchestra submit:*)");
    let groups: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
    let (argv, _) = bench.argv(Conversation::Resume(&id), None);
    assert_eq!(argv[..3], ["claude", "--resume", &id]);
    assert_eq!(argv.last().unwrap(), "--");
}

#[test]
fn a_preset_id_is_kept() {
    let (argv, extras) = Bench::built_in("demo").argv(Conversation::Preset("abc-1"), Some("hi"));
    assert_eq!(argv, ["orchestra", "demo-agent", "--conversation", "abc-1", "--", "hi"]);
    assert_eq!(extras.conversation.as_deref(), Some("abc-1"));
}

#[test]
fn an_option_goes_with_its_placeholder() {
    let bench = Bench::of("start: [bot, --model, '{model}', -v, --, '{prompt}', '{nonsense}', '{']");
    assert_eq!(bench.argv(Conversation::Fresh, None).0, ["bot", "-v", "--", "{nonsense}", "{"]);
    assert_eq!(bench.argv(Conversation::Fresh, Some("a\0b")).0[3], "a\u{fffd}b");
}

#[test]
fn permission_arguments_follow_the_program_or_stand_where_they_are_put() {
    let bench = Bench::of("{start: [bot, run], permissions: {edits: {args: [--in, '{worktree}']}}}");
    assert_eq!(bench.argv(Conversation::Fresh, None).0, ["bot", "--in", "/w t", "run"]);
    let bench = Bench::of("{start: [bot], permissions: {edits: {args: [--yes]}}}");
    assert_eq!(bench.argv(Conversation::Fresh, None).0, ["bot", "--yes"]);
}

#[test]
fn a_prompt_is_no_option_where_nothing_else_says_so() {
    let (argv, _) = Bench::of("start: [bot, '{prompt}']").argv(Conversation::Fresh, Some("--rm"));
    assert_eq!(argv, ["bot", " --rm"]);
}

#[test]
fn a_long_prompt_goes_by_a_private_file() {
    let bench = Bench::built_in("opencode");
    let long = "é\n".repeat(40_000);
    let (argv, extras) = bench.argv(Conversation::Fresh, Some(&long));
    let file = bench.dir.path().join("prompt.md");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), long);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let pointer = argv.last().unwrap();
    assert!(pointer.starts_with("--prompt=") && pointer.contains(file.to_str().unwrap()), "{pointer}");
    assert_eq!(extras.typed, None);
}

#[test]
fn prompts_by_file_by_stdin_and_typed() {
    let bench = Bench::of("{start: [bot, -f, '{prompt_file}'], prompt: file}");
    let (argv, _) = bench.argv(Conversation::Fresh, Some("hi"));
    assert_eq!(std::fs::read_to_string(&argv[2]).unwrap(), "hi");

    let bench = Bench::of("{start: [cat, -], prompt: stdin}");
    let (argv, _) = bench.argv(Conversation::Fresh, Some("-n $(hi)\n"));
    let said = std::process::Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "-n $(hi)\n");

    let (argv, extras) = Bench::of("{start: [bot, x], prompt: typed}").argv(Conversation::Fresh, Some("hi"));
    assert_eq!((argv.len(), extras.typed.as_deref()), (2, Some("hi")));
}

#[test]
fn an_id_of_unknown_origin_is_checked() {
    let bench = Bench::built_in("opencode");
    for id in ["", "-x", "--port=1", "a b", "../x", "a\nb", &"x".repeat(129)] {
        let refused = launch(&bench.plan(Conversation::Resume(id), None));
        assert!(matches!(refused, Err(AgentError::BadConversation { .. })), "{id:?}");
    }
    let bench = Bench::of("start: [bot]");
    let refused = launch(&bench.plan(Conversation::Resume("ses_1"), None));
    assert!(matches!(refused, Err(AgentError::CannotResume { .. })));
}

#[test]
fn fault_v7_values_are_exact() {
    let bench = Bench::of(r#"{start: [bot], env: {QUIET: "a\n'\"=b {prompt_file}", PLAIN: "{x}=\n"}}"#);
    let variables = [("ORCHESTRA_TASK_TITLE".into(), "it's\n\"7\"=\\".into())];
    let inherited = [("PLAIN".into(), "old".into()), ("ORCHESTRA_TASK_ID".into(), "outer".into())];
    let plan = LaunchPlan { variables: &variables, inherited: &inherited, ..bench.plan(Conversation::Fresh, None) };
    let (launch, _) = launch(&plan).unwrap();
    assert_eq!(variable(&launch, "PLAIN"), "{x}=\n");
    assert_eq!(variable(&launch, "ORCHESTRA_TASK_TITLE"), "it's\n\"7\"=\\");
    let names: Vec<_> = launch.env.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert_eq!(names, ["COLORTERM", "ORCHESTRA_TASK_TITLE", "PATH", "PLAIN", "TERM"], "QUIET has no value");
}

#[test]
fn a_print_mode_has_lines_of_its_own_and_takes_its_prompt_without_keys() {
    let bench = Bench::built_in("opencode");
    let plan = LaunchPlan { mode: Mode::Headless, ..bench.plan(Conversation::Resume("ses_1"), Some("go on")) };
    let (launched, extras) = launch(&plan).unwrap();
    assert_eq!(words(&launched), ["opencode", "run", "--format", "json", "--session", "ses_1", "--", "go on"]);
    assert_eq!((extras.typed, extras.events), (None, None), "nobody types, and nothing listens on a port");

    let bench = Bench::of("{start: [bot], headless: [cat, -], prompt: typed}");
    let plan = LaunchPlan { mode: Mode::Headless, ..bench.plan(Conversation::Fresh, Some("hi")) };
    let argv = words(&launch(&plan).unwrap().0);
    let said = std::process::Command::new(&argv[0]).args(&argv[1..]).output().unwrap();
    assert_eq!(String::from_utf8(said.stdout).unwrap(), "hi");

    let bench = Bench::of("{start: [bot]}");
    let refused = launch(&LaunchPlan { mode: Mode::Headless, ..bench.plan(Conversation::Fresh, Some("hi")) });
    assert!(matches!(refused, Err(AgentError::NoPrintMode { .. })), "{refused:?}");
}

#[test]
fn the_conversation_is_found_in_what_a_print_mode_printed() {
    let manifest = Bench::built_in("opencode").manifest;
    let printed = "{\"type\":\"step_start\",\"timestamp\":1,\"sessionID\":\"ses_0abc\",\"part\":{}}\n";
    assert_eq!(manifest.conversation_pattern.unwrap().groups(printed)["id"], "ses_0abc");
}

#[test]
fn codex_goes_on_by_id_and_its_options_come_before_it() {
    let bench = Bench::built_in("codex");
    let (argv, extras) = bench.argv(Conversation::Fresh, Some("--help"));
    assert_eq!(extras.conversation, None, "it chooses its ids");
    assert_eq!(argv[..2], ["codex", "--no-daemon"]);
    let roots = format!("sandbox_workspace_write.writable_roots=[\"{}\"]", bench.dir.path().display());
    assert!(argv.contains(&roots), "it may hand in: {argv:?}");
    assert_eq!(argv[argv.len() - 2..], ["--", "--help"]);
    let (argv, extras) = bench.argv(Conversation::Resume("01a2000e-8217"), Some("go on"));
    assert_eq!(argv[..3], ["codex", "--no-daemon", "resume"]);
    assert_eq!(argv[argv.len() - 3..], ["01a2000e-8217", "--", "go on"]);
    assert_eq!(extras.typed, None);
}

/// R49.
#[test]
fn tools_that_a_stage_forbids_are_denied_where_they_can_be() {
    let tools = [DisallowedTool { pattern: "Bash(cargo *)".to_owned(), message: None }];
    let bench = Bench::built_in("claude");
    let plan = LaunchPlan { disallowed_tools: &tools, ..bench.plan(Conversation::Fresh, Some("hi")) };
    let argv = words(&launch(&plan).unwrap().0);
    let at = argv.iter().position(|arg| arg == "--disallowedTools").unwrap();
    assert_eq!(argv[at + 1..], ["Bash(cargo *)", "--", "hi"]);

    let bench = Bench::built_in("opencode");
    for permissions in [PermissionMode::Ask, PermissionMode::Edits, PermissionMode::All] {
        let plan = LaunchPlan { permissions, disallowed_tools: &tools, ..bench.plan(Conversation::Fresh, None) };
        let (launched, _) = launch(&plan).unwrap();
        let rules: serde_json::Value = serde_json::from_str(variable(&launched, "OPENCODE_PERMISSION")).unwrap();
        assert_eq!(rules["bash"]["cargo *"], "deny", "{permissions:?}");
    }
}

#[test]
fn an_agent_gets_our_tools_beside_what_the_user_has() {
    let user = r#"{"model":"a/b","mcp":{"db":{"type":"local","command":["db"]}}}"#;
    let inherited = [(OsString::from("OPENCODE_CONFIG_CONTENT"), OsString::from(user))];
    let bench = Bench::built_in("opencode");
    let plan = LaunchPlan { inherited: &inherited, ..bench.plan(Conversation::Fresh, Some("hi")) };
    let (launched, _) = launch(&LaunchPlan { bin_dir: Some(Path::new("/run/b \"in\"")), ..plan.clone() }).unwrap();
    let config: serde_json::Value = serde_json::from_str(variable(&launched, "OPENCODE_CONFIG_CONTENT")).unwrap();
    assert_eq!(config["model"], "a/b");
    assert_eq!(config["mcp"]["db"]["command"][0], "db");
    let command = serde_json::json!(["/run/b \"in\"/orchestra", "mcp", "--session", "one"]);
    assert_eq!(config["mcp"]["orchestra"]["command"], command);
    let (launched, _) = launch(&plan).unwrap();
    assert_eq!(variable(&launched, "OPENCODE_CONFIG_CONTENT"), user, "no program, no tools");

    let bench = Bench::built_in("claude");
    let plan = LaunchPlan { bin_dir: Some(Path::new("/run/bin")), ..bench.plan(Conversation::Fresh, Some("hi")) };
    let argv = words(&launch(&plan).unwrap().0);
    let at = argv.iter().position(|arg| arg == "--mcp-config").unwrap();
    let config: serde_json::Value = serde_json::from_str(&argv[at + 1]).unwrap();
    assert_eq!(config["mcpServers"]["orchestra"]["command"], "/run/bin/orchestra");
    assert_eq!(argv[at + 2..], ["--", "hi"]);

    let bench = Bench::built_in("codex");
    let variables = [("ORCHESTRA_TASK_ID".into(), "7".into()), ("ORCHESTRA_HOME".into(), "/h".into())];
    let plan = LaunchPlan {
        bin_dir: Some(Path::new("/run/b \"in\"")),
        variables: &variables,
        ..bench.plan(Conversation::Fresh, Some("hi"))
    };
    let argv = words(&launch(&plan).unwrap().0);
    let server = r#"mcp_servers.orchestra={command="/run/b \"in\"/orchestra",args=["mcp","--session","one"],env_vars=["ORCHESTRA_TASK_ID","ORCHESTRA_HOME"],default_tools_approval_mode="approve"}"#;
    assert!(argv.windows(2).any(|pair| pair == ["-c", server]), "{argv:?}");
}
