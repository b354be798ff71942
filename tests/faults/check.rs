//! What has to be so once all tasks are merged, however often the engine was killed on the way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orchestra::model::{ProjectId, State, Status, Task};
use orchestra::store::task_file::{TaskFile, parse};
use orchestra::store::{Database, Home, projects};

use crate::host::{GATES, NOTED, PARTS, SETUPS, STAMPS, TASKS, notes};
use crate::place::Place;
use crate::repo::Repository;

/// The task whose files are not its own alone.
const WHOLE: &str = "whole";

/// What is not as it has to be, one line for each.
pub fn faults(place: &Place, repository: &Repository) -> Vec<String> {
    let home = Home::at(place.path("orchestra-home"));
    let project = projects::list(&home).unwrap().first().unwrap().id.clone();
    let db = Database::open(&home.state(&project)).unwrap();
    let tasks = db.tasks().unwrap().tasks;
    let mut faults = Faults(Vec::new());
    faults.of_tasks(&tasks);
    faults.of_main(repository);
    faults.of_what_was_said(place, &tasks);
    faults.of_scripts(place);
    faults.of_database(&db, &home, &project);
    faults.of_files(&db, &tasks);
    faults.of_leftovers(place, repository, &home);
    faults.0
}

struct Faults(Vec<String>);

#[expect(clippy::needless_pass_by_value, reason = "found values are made where they are compared")]
impl Faults {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        if found != wanted {
            self.0.push(format!("{what}: {found:?} instead of {wanted:?}"));
        }
    }

    fn none<T: std::fmt::Debug>(&mut self, what: &str, found: Vec<T>) {
        if !found.is_empty() {
            self.0.push(format!("{what}: {found:?}"));
        }
    }

    fn of_tasks(&mut self, tasks: &[Task]) {
        let mut slugs: Vec<_> = tasks.iter().map(|task| (task.slug.to_string(), task.state)).collect();
        let all = TASKS.iter().map(|(slug, ..)| *slug).chain(PARTS.iter().map(|(slug, _)| *slug));
        let mut wanted: Vec<_> = all.map(|slug| (slug.to_owned(), State::Merged)).collect();
        slugs.sort();
        wanted.sort();
        self.same("tasks", slugs, wanted);
        for task in tasks {
            self.same("job", &task.job, &None);
            self.same("live agent", task.session.as_ref().is_some_and(|session| session.alive), false);
            self.same("reviewed", task.reviewed, task.parent.is_none());
        }
    }

    /// Every task is on main once, whole.
    fn of_main(&mut self, repository: &Repository) {
        let mut subjects: Vec<_> = repository.git(&["log", "--format=%s", "main"]).lines().map(str::to_owned).collect();
        let mut wanted = ["Start", "Set up", "Furnish"].map(str::to_owned).to_vec();
        wanted.extend(TASKS.map(|(_, _, title)| title.to_owned()));
        wanted.extend(PARTS.map(|(_, title)| title.to_owned()));
        subjects.sort();
        wanted.sort();
        self.same("commits", subjects, wanted);
        for (slug, _, title) in TASKS.into_iter().filter(|(slug, ..)| *slug != WHOLE) {
            self.same(slug, repository.try_read(&format!("{slug}.txt")), Some(format!("{title}\n")));
        }
        let parts = ["left.txt", "right.txt", "whole.txt", "stamp.txt"].map(|name| repository.try_read(name));
        let wanted = ["left\n", "right\n", "better\n", "stamp\n"].map(|text| Some(text.to_owned()));
        self.same("parts", parts, wanted);
        self.same("fixed", repository.try_read("fixed.txt"), Some("fixed".to_owned()));
        self.same("checkout", repository.git(&["status", "--porcelain"]), String::new());
        repository.git(&["fsck", "--strict"]);
    }

    /// Every prompt, feedback and note was typed once.
    fn of_what_was_said(&mut self, place: &Place, tasks: &[Task]) {
        let mut said = BTreeMap::<String, Vec<String>>::new();
        let folder = fs::read_dir(place.path("orchestra-home/demo")).into_iter().flatten().flatten();
        for entry in folder {
            let id = entry.path().file_stem().unwrap().to_string_lossy().into_owned();
            let owner = tasks.iter().find_map(|task| {
                let (stage, _) = task.conversations.iter().find(|(_, known)| *known == id)?;
                Some(format!("{}/{stage}", task.slug))
            });
            let heard = heard(&entry.path());
            said.entry(owner.unwrap_or_else(|| format!("nobody's {id}"))).or_default().extend(heard);
        }
        let (begun, taken) = notes(place);
        let heard: Vec<u32> = said
            .get_mut(&format!("{NOTED}/work"))
            .map(|said| said.extract_if(.., |text| text.starts_with("Note ")).collect::<Vec<_>>())
            .into_iter()
            .flatten()
            .map(|text| text["Note number ".len()..].trim().parse().unwrap())
            .collect();
        // Of a note whose answer never came nobody knows whether it was taken.
        let wanted: Vec<u32> =
            begun.into_iter().filter(|number| taken.contains(number) || heard.contains(number)).collect();
        self.same("notes", &heard, &wanted);
        let notes: String = heard.iter().map(|number| number.to_string() + "\n").collect();
        self.same("notes.txt", fs::read_to_string(place.path("my-app/notes.txt")).unwrap_or_default(), notes);
        let lists = [
            ("plain/work", 1),
            ("gated/plan", 1),
            ("gated/work", 2),
            ("noted/work", 1),
            ("whole/idea", 2),
            ("whole/pieces", 1),
            ("whole/join", 3),
            ("whole/judge", 2),
            ("left-part/build", 1),
            ("right-part/build", 1),
        ];
        let found: BTreeMap<_, _> = said.iter().map(|(owner, said)| (owner.as_str(), said.len())).collect();
        if found != lists.into_iter().collect() {
            let told =
                said.iter().map(|(owner, said)| (owner, said.iter().map(|text| headline(text)).collect::<Vec<_>>()));
            self.0.push(format!("what was said: {:?}", told.collect::<Vec<_>>()));
        }
        let firsts = said.values().flatten().filter(|text| text.contains("# Task: ")).count();
        let feedback = said.values().flatten().filter(|text| text.contains("fixed.txt is missing")).count();
        self.same("first prompts and feedback", (firsts, feedback), (11, 1));
    }

    fn of_scripts(&mut self, place: &Place) {
        self.same("runs of the gate", place.lines(GATES).len(), 2);
        let mut setups = place.lines(SETUPS);
        setups.sort();
        let [left, right] = PARTS.map(|(slug, _)| slug);
        let wanted = ["gated", left, "noted", "plain", right, "whole"].map(str::to_owned).to_vec();
        self.same("runs of the setup script", setups, wanted);
        self.same("runs of the stage's script", place.lines(STAMPS).len(), 3);
    }

    fn of_database(&mut self, db: &Database, home: &Home, project: &ProjectId) {
        self.none("effects that wait", db.pending_effects().unwrap());
        self.none("sessions that are said to live", db.live_sessions().unwrap());
        self.none("messages that wait", db.queued_messages().unwrap());
        let file = home.state(project).join("orchestra.db");
        let sqlite = rusqlite::Connection::open(file).unwrap();
        let sound: String = sqlite.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        self.same("integrity", sound.as_str(), "ok");
    }

    /// The task files say what the database says.
    fn of_files(&mut self, db: &Database, tasks: &[Task]) {
        for task in tasks {
            let Some(known) = db.task_text(task.id).unwrap() else {
                self.0.push(format!("{} has no file", task.slug));
                continue;
            };
            let file: TaskFile = parse(&known.path, fs::read(&known.path).unwrap_or_default()).unwrap();
            self.same("text of the file", &file.text, &known.text);
            let status = if task.parent.is_none() { Status::Reviewed } else { Status::Completed };
            self.same("status in the file", file.header.status, Some(status));
            self.same("merged in the file", file.text.contains("\nmerged: "), true);
            self.same("description in the file", &file.body, &task.description);
        }
        let files = tasks.first().and_then(|task| db.task_text(task.id).unwrap()).map(|text| text.path);
        let folder = files.as_deref().and_then(Path::parent).map(|folder| fs::read_dir(folder).unwrap());
        let count = folder.into_iter().flatten().flatten().filter(|it| it.path().extension().is_some()).count();
        self.same("task files", count, TASKS.len() + PARTS.len());
    }

    /// No worktree, lock or half-written file is left.
    fn of_leftovers(&mut self, place: &Place, repository: &Repository, home: &Home) {
        let worktrees = repository.git(&["worktree", "list", "--porcelain"]);
        let count = worktrees.lines().filter(|line| line.starts_with("worktree ")).count();
        self.same("worktrees", count, 1);
        let left: Vec<_> = files(&place.path("my-app"))
            .into_iter()
            .chain(files(home.root()))
            .filter(|name| {
                let ends = |extension| Path::new(name).extension().is_some_and(|it| it == extension);
                let lock = ends("lock") && !name.ends_with("engine.lock");
                // What an agent's session leaves goes with its folder.
                lock || (name.contains("/.orchestra-") && !name.contains("/run/"))
                    || name.contains("tmp_obj")
                    || ends("new")
            })
            .collect();
        self.none("left", left);
        self.none("worktree folders", files(&home.root().join("worktrees")));
        let links = fs::read_dir(place.path("my-app/.orchestra/.worktrees")).into_iter().flatten().flatten();
        self.none("links", links.map(|link| link.file_name()).collect());
    }
}

/// What a person said in a conversation, as the agent remembers it.
fn heard(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let sayings = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    sayings.filter(|it| it["who"] == "you").map(|it| it["text"].as_str().unwrap().to_owned()).collect()
}

/// What tells one text from another.
fn headline(text: &str) -> &str {
    let task = text.lines().find(|line| line.starts_with("# Task: "));
    task.or_else(|| text.lines().next()).unwrap_or_default()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => vec![entry.path().to_string_lossy().into_owned()],
        })
        .collect()
}
