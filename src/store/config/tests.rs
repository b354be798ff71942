use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::model::{Glyphs, MergeCleanup, PermissionMode, WorktreeRoot};

fn read(text: &str) -> Result<Config, ConfigError> {
    merge([(Path::new("c.yaml"), text)])
}

fn refusal(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn layers_win_key_by_key() {
    let user = "agent: claude\nui: {glyphs: ascii, tips: false}\nagents: {bot: {start: [bot], env: {A: \"1\"}}}\n";
    let project = "\u{feff}agent: codex\nui:\n  # tips: true\nmerge: {cleanup: all}\nworktrees: {root: /w}\nagents: {bot: {env: {B: \"2\"}}}\n";
    let config = merge([(Path::new("u"), user), (Path::new("p"), project)]).unwrap();
    assert_eq!(config.agent.as_deref(), Some("codex"));
    assert_eq!((config.ui.glyphs, config.ui.tips), (Glyphs::Ascii, false));
    assert_eq!(config.merge.cleanup, MergeCleanup::All);
    assert_eq!(config.worktrees.root, WorktreeRoot::Path("/w".into()));
    assert_eq!(config.permissions, PermissionMode::Edits);
    let env = config.agents["bot"].get("env").unwrap();
    assert!(env.get("A").is_some() && env.get("B").is_some() && config.agents["bot"].get("start").is_some());
    assert_eq!(read("").unwrap(), Config::default());
}

#[test]
fn fault_c1_refusals_name_place_and_nearest_key() {
    assert_eq!(
        refusal("agent: x\nmax_runing: 3\n"),
        "c.yaml:2:1: unknown setting \"max_runing\", did you mean \"max_running\"?"
    );
    assert_eq!(
        refusal("ui:\n  glyph: ascii\n"),
        "c.yaml:2:3: unknown setting in \"ui\" \"glyph\", did you mean \"glyphs\"?"
    );
    assert_eq!(refusal("glyphs: ascii\n"), "c.yaml:1:1: unknown setting \"glyphs\", did you mean \"ui.glyphs\"?");
    assert_eq!(
        refusal("max_running: 0\n"),
        "c.yaml:1:14: \"max_running\" must be a whole number from 1 to 1000, not 0"
    );
    assert_eq!(
        refusal("max_running: many\n"),
        "c.yaml:1:14: \"max_running\" must be a whole number from 1 to 1000, not \"many\""
    );
    assert_eq!(refusal("ui: ascii\n"), "c.yaml:1:5: \"ui\" must be a map of keys, not \"ascii\"");
    assert_eq!(refusal("agent: true\n"), "c.yaml:1:8: \"agent\" must be text, not true: put it in quotes");
    assert!(refusal("permissions: al\n").starts_with("c.yaml:1:14: \"permissions\" must be one of ask, edits, all"));
    assert!(refusal("agent: a\nagent: b\n").starts_with("c.yaml:2:1: "));
    assert!(refusal("a: b: c\n").starts_with("c.yaml:1:"));
    assert!(refusal("worktrees: {root: ../x}\n").contains("absolute"));
    assert!(refusal("branch: mine\n").contains("{slug}"));
    assert!(refusal("branch: \"a b {id}\"\n").contains("branch name"));
    assert!(refusal("agents: {bot: 1}\n").contains("agents.bot"));
    assert!(refusal("keys: {detach: {default: [1]}}\n").contains("quotes"));
    let ConfigError::Invalid { nearest, .. } = read("merge: {cleanup: worktre}").unwrap_err() else {
        panic!("wrong kind")
    };
    assert_eq!(nearest.as_deref(), Some("worktree"));
}

#[test]
fn anchors_and_merge_keys_work() {
    let config = read("agents:\n  a: &a {start: [x], prompt: file}\n  b: {<<: *a, prompt: typed}\n").unwrap();
    assert_eq!(config.agents["b"].get("prompt").unwrap().as_str(), Some("typed"));
    assert!(config.agents["b"].get("start").is_some());
}

#[test]
fn fault_c2_a_project_file_that_is_a_link_out_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (Home::at(dir.path().join("home")), dir.path().join("repo"));
    fs::create_dir_all(root.join(".orchestra")).unwrap();
    fs::create_dir_all(home.root()).unwrap();
    let folder = Folder::of(&root);
    assert_eq!(load(&home, &folder).unwrap(), Config::default());
    fs::write(dir.path().join("mine.yaml"), "agent: mine\n").unwrap();
    symlink(dir.path().join("mine.yaml"), home.config()).unwrap();
    assert_eq!(load_user(&home).unwrap().agent.as_deref(), Some("mine"));
    fs::write(folder.config(), "agent: ours\n").unwrap();
    assert_eq!(load(&home, &folder).unwrap().agent.as_deref(), Some("ours"));
    fs::remove_file(folder.config()).unwrap();
    symlink(dir.path().join("mine.yaml"), folder.config()).unwrap();
    assert!(matches!(load(&home, &folder), Err(ConfigError::File(FileError::Outside { .. }))));
}

fn place() -> (tempfile::TempDir, Home, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (Home::at(dir.path().join("home")), dir.path().join("repo"));
    fs::create_dir_all(root.join(".orchestra")).unwrap();
    fs::create_dir_all(home.root()).unwrap();
    (dir, home, Folder::of(&root))
}

#[test]
fn all_problems_are_told_at_once() {
    let (_dir, home, folder) = place();
    assert_eq!(check(&home, &folder), []);
    fs::write(home.config(), "agnt: x\nui:\n  tips: perhaps\n  glyph: ascii\ndefault_flow: quik\n").unwrap();
    fs::write(folder.config(), "max_running: 0\n").unwrap();
    fs::write(folder.workflow(), "flows: {quick: {stages: [{name: work, artifact: summary}]}}\n").unwrap();
    let (user, project) = (home.config(), folder.config());
    let problems = check(&home, &folder);
    let told: Vec<_> = problems.iter().map(|it| (it.file == user, it.place.unwrap(), it.nearest.as_deref())).collect();
    assert_eq!(
        told,
        [
            (true, (1, 1), Some("agent")),
            (true, (3, 9), None),
            (true, (4, 3), Some("glyphs")),
            (false, (1, 14), None),
            (true, (5, 15), Some("quick")),
        ]
    );
    assert_eq!(
        problems[0].to_string(),
        format!("{}:1:1: unknown setting \"agnt\", did you mean \"agent\"?", user.display())
    );
    fs::write(&project, b"agent: \xff").unwrap();
    fs::write(folder.workflow(), "flows: [\n").unwrap();
    let problems = check(&home, &folder);
    assert!(problems.iter().any(|it| it.file == project && it.place.is_none() && it.to_string().contains("UTF-8")));
    assert!(problems.iter().any(|it| it.file == folder.workflow()));
}

#[test]
fn every_setting_tells_where_it_comes_from() {
    let (_dir, home, folder) = place();
    let origin = |key: &str| {
        let all = origins(&home, &folder);
        let (_, value, layer) = all.into_iter().find(|(found, ..)| found == key).unwrap_or_else(|| panic!("no {key}"));
        (value, layer.word())
    };
    assert!(origins(&home, &folder).iter().all(|(_, _, layer)| *layer == Layer::Default));
    assert_eq!(origin("agent"), ("null".to_owned(), "default"));
    assert_eq!(origin("keys.detach.default"), ("[\"ctrl-\\\\\",\"ctrl-q\"]".to_owned(), "default"));
    assert_eq!(origin("agents"), ("{}".to_owned(), "default"));
    fs::write(home.config(), "agent: one\nui: {tips: false}\nagents: {bot: {start: [bot], env: {A: \"1\"}}}\n")
        .unwrap();
    fs::write(folder.config(), "agent: two\nui:\n  # tips: true\nagents: {bot: {env: {A: \"2\", B: \"3\"}}}\n")
        .unwrap();
    assert_eq!(origin("agent"), ("two".to_owned(), "project"));
    assert_eq!(origin("ui.tips"), ("false".to_owned(), "user"));
    assert_eq!(origin("ui.glyphs"), ("unicode".to_owned(), "default"));
    assert_eq!(origin("agents.bot.start"), ("[\"bot\"]".to_owned(), "user"));
    assert_eq!(origin("agents.bot.env.A"), ("'2'".to_owned(), "project"));
    assert_eq!(origin("agents.bot.env.B"), ("'3'".to_owned(), "project"));
    fs::write(folder.config(), "agnt: two\n").unwrap();
    assert_eq!(origin("agent"), ("one".to_owned(), "user"), "a refused file is absent");
}
