//! What has to be so once everybody has gone home.

use std::collections::BTreeSet;
use std::fs;

use orchestra::model::{State, TaskId};
use orchestra::store::task_file::parse;
use orchestra::store::{Database, projects};
use serde_json::{Value, json};

use crate::seed::Dice;
use crate::world::World;

/// Requests that are tried one after the other.
const TRIES: usize = 40;

/// What is refused has changed nothing.
pub fn refusals(world: &World, dice: &mut Dice) {
    let methods = ["start", "stop", "approve", "complete", "skip", "merge", "archive", "restart"];
    let mut client = world.client();
    for _ in 0..TRIES {
        let tasks = world.tasks(&mut client);
        if tasks.is_empty() {
            return;
        }
        let (task, method) = (dice.pick(&tasks), format!("task.{}", dice.pick(&methods)));
        let params = json!({"task": task["id"]});
        let look = || facts(&world.call(&mut world.client(), "task.show", params.clone()).unwrap());
        let before = look();
        match world.call(&mut client, &method, params.clone()) {
            Ok(_) => world.settle(),
            Err(failure) => assert_eq!(look(), before, "{method} was refused ({failure}) and changed something"),
        }
    }
}

/// What a request could change; what is measured in the background is left out.
fn facts(task: &Value) -> Value {
    let keys = ["id", "slug", "title", "status", "state", "stage", "iteration", "branch", "base_branch", "description"];
    let mut facts: Value = keys.iter().map(|key| ((*key).to_owned(), task[*key].clone())).collect();
    facts["iterations"] = task["iterations"].clone();
    facts["reason"] = task["reason"]["text"].clone();
    facts
}

/// The engine ends, and what it leaves behind is whole.
pub fn all(world: &World) {
    let shown = world.tasks(&mut world.client());
    lists_are_whole(world, &shown);
    world.done(&["shutdown", "-y"]);
    let left = world.place.end_leftovers();
    assert!(left.is_empty(), "processes: {left:#?}");
    let project = projects::list(&world.home).unwrap().first().unwrap().id.clone();
    let folder = world.home.state(&project);
    let db = Database::open(&folder).unwrap();
    let effects = db.pending_effects().unwrap();
    assert!(effects.is_empty(), "effects that wait: {effects:#?}");
    let sqlite = rusqlite::Connection::open(folder.join("orchestra.db")).unwrap();
    let sound: String = sqlite.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    files_are_whole(world, &db);
    main_is_whole(world, &db);
    nothing_is_left(world, &db);
}

/// Every task that was made is there, or somebody deleted it; none is there twice.
fn lists_are_whole(world: &World, shown: &[Value]) {
    let record = world.record();
    let ids: Vec<u32> = shown.iter().map(|task| task["id"].as_u64().unwrap() as u32).collect();
    let slugs: BTreeSet<&str> = shown.iter().map(|task| task["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs.len(), shown.len(), "slugs: {slugs:?}");
    for (id, slug) in &record.made {
        let there = ids.contains(id);
        assert!(there || record.doomed.contains(slug), "{slug} is gone");
        assert!(!there || !record.deleted.contains(id), "{slug} was deleted and is there");
    }
    for slug in record.lines.keys() {
        let there = slugs.contains(slug.as_str());
        assert!(there || record.doomed.contains(slug), "{slug}, which was edited by hand, is gone");
    }
}

/// The files say what the database says, and have every line that a person wrote.
fn files_are_whole(world: &World, db: &Database) {
    let record = world.record();
    let tasks = db.tasks().unwrap();
    assert!(tasks.unreadable.is_empty());
    for task in &tasks.tasks {
        let known = db.task_text(TaskId(task.id.0)).unwrap().unwrap_or_else(|| panic!("{} has no file", task.slug));
        let file = parse(&known.path, fs::read(&known.path).unwrap()).unwrap();
        assert_eq!(file.text, known.text, "{}", task.slug);
        assert_eq!(file.header.status, Some(task.status()), "{}", task.slug);
        assert_eq!(file.description().trim_end(), task.description.trim_end(), "{}", task.slug);
        for line in record.lines.get(task.slug.as_str()).into_iter().flatten() {
            assert!(
                task.description.contains(line.as_str()),
                "{line:?} of {} is lost: {}",
                task.slug,
                task.description
            );
        }
    }
    let folder = fs::read_dir(world.repository.root().join(".orchestra/tasks")).unwrap().flatten();
    let names: BTreeSet<_> = folder.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let wanted: BTreeSet<_> = tasks.tasks.iter().map(|task| format!("{}:{}.md", task.id, task.slug)).collect();
    assert_eq!(names, wanted, "task files");
}

/// What was merged is on main, once; what was not is not.
fn main_is_whole(world: &World, db: &Database) {
    let subjects = world.repository.git(&["log", "--format=%s", "main"]);
    for task in db.tasks().unwrap().tasks {
        let count = subjects.lines().filter(|subject| *subject == task.title).count();
        let most = usize::from(task.state == State::Merged);
        assert!(count <= most, "{} is {} and on main {count} times", task.slug, task.state.word());
    }
    world.repository.git(&["fsck", "--strict"]);
}

/// Worktrees and branches are those of the tasks that are there.
fn nothing_is_left(world: &World, db: &Database) {
    let slugs: BTreeSet<String> = db.tasks().unwrap().tasks.iter().map(|task| task.slug.to_string()).collect();
    let worktrees = world.repository.git(&["worktree", "list", "--porcelain"]);
    let worktrees = worktrees.lines().filter_map(|line| line.strip_prefix("worktree ")).skip(1);
    let names = worktrees.map(|path| path.rsplit('/').next().unwrap().to_owned());
    let branches = world.repository.branches().into_iter().filter_map(|it| Some(it.strip_prefix("task/")?.to_owned()));
    let strangers: BTreeSet<_> = names.chain(branches).filter(|name| !slugs.contains(name)).collect();
    assert!(strangers.is_empty(), "worktrees or branches of nobody: {strangers:?}");
}
