//! Task files as people, editors, git and sync tools treat them: each case has its result, is told, and loses nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestra::model::{NoticeKind, Request, State, Status, TaskId};

use crate::WILLING;
use crate::engine::{Bench, new_task};
use crate::place::{Place, alone};
use crate::repo::Repository;

/// A project with an engine, and the folder of its task files.
struct Desk {
    repository: Repository,
    bench: Bench,
    tasks: PathBuf,
}

impl Desk {
    fn new(place: &Place) -> Self {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        let tasks = repository.root().join(".orchestra/tasks");
        Self { repository, bench, tasks }
    }

    /// With the draft `1:fix-it.md`.
    fn with_draft(place: &Place) -> (Self, PathBuf) {
        let desk = Self::new(place);
        let id = desk.bench.draft("fix-it", "quick", "Fix it");
        let file = desk.tasks.join(format!("{id}:fix-it.md"));
        assert!(file.is_file());
        (desk, file)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::create_dir_all(&self.tasks).unwrap();
        let path = self.tasks.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn becomes(&self, slug: &str) -> TaskId {
        self.bench.task_when(slug, "is there", |_| true).task.id
    }

    fn described(&self, text: &str) {
        self.bench.task_when("fix-it", &format!("says {text}"), |view| view.task.description == text);
    }

    /// Waits until the file satisfies `wanted`: the engine puts it right after it has read it.
    fn file(&self, path: &Path, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.bench
            .wait(&format!("{} {what}", path.display()), |_| fs::read_to_string(path).ok().filter(|text| wanted(text)))
    }

    /// Errors with this text in them.
    fn errors(&self, text: &str) -> usize {
        let notices = &self.bench.engine().snapshot().notices;
        notices.iter().filter(|it| it.kind == NoticeKind::Error && it.text.contains(text)).count()
    }

    fn news(&self, text: &str) -> usize {
        self.bench.engine().snapshot().notices.iter().filter(|it| it.text.contains(text)).count()
    }
}

/// As vim does it: the old file is moved away, the new one written in its place, the old one removed.
fn save_like_vim(path: &Path, text: &str) {
    let backup = path.with_file_name(format!("{}~", path.file_name().unwrap().to_string_lossy()));
    fs::rename(path, &backup).unwrap();
    fs::write(path, text).unwrap();
    fs::remove_file(backup).unwrap();
}

#[test]
fn edits_in_any_manner_reach_the_task() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("Fix it", "Plain")).unwrap();
        desk.described("Plain");
        save_like_vim(&file, &text.replace("Fix it", "By vim"));
        desk.described("By vim");
        let beside = file.with_file_name(".sync.tmp");
        for version in ["Synced", "Synced twice"] {
            fs::write(&beside, text.replace("Fix it", version)).unwrap();
            fs::rename(&beside, &file).unwrap();
        }
        desk.described("Synced twice");
        desk.bench.notice("read the edit of 1:fix-it.md");
        // Comments, unknown keys and the form of lines stay, whatever we write.
        let own = "\u{feff}---\r\n# mine\r\nowner: me   # not yours\r\nstatus: draft\r\nbase_branch: main\r\nflow: quick\r\n---\r\n\r\n# A title\r\n\r\nAnd more\r\n";
        fs::write(&file, own).unwrap();
        desk.bench.task_when("fix-it", "has its title", |view| view.task.title == "A title");
        desk.bench.start("fix-it");
        desk.bench.reaches("fix-it", State::Approval);
        let found = desk.file(&file, "is idle", |text| text.contains("status: idle"));
        assert_eq!(found, own.replace("status: draft", "status: idle"));
        // Nobody has been told of a deletion, and nothing was written again.
        assert_eq!((desk.news("deleted"), fs::read_dir(&desk.tasks).unwrap().count()), (0, 1));
    });
}

#[test]
fn another_version_by_git_is_an_edit() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let repository = &desk.repository;
        repository.write(".orchestra/.gitignore", "/.worktrees/\n/.artifacts/\n/.logs/\n");
        repository.git(&["add", "."]);
        repository.git(&["commit", "-q", "-m", "Share the tasks"]);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("Fix it", "Fix it better")).unwrap();
        desk.described("Fix it better");
        repository.git(&["commit", "-q", "-am", "Say more"]);
        repository.git(&["checkout", "-q", "HEAD~", "--", ".orchestra/tasks"]);
        desk.described("Fix it");
        // A version without the file: it is state, and comes again.
        repository.git(&["commit", "-q", "-am", "Say less"]);
        repository.git(&["checkout", "-q", "HEAD~3"]);
        desk.bench.notice("was deleted; it is written again");
        desk.file(&file, "is there again", |text| text.contains("Fix it"));
    });
}

#[test]
fn keys_of_the_header_win_over_the_settings() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        desk.repository.git(&["branch", "develop"]);
        let text = fs::read_to_string(&file).unwrap();
        let header = "---\ntitle: Mine\nmodel: big\nagent: demo\nauto: true\nflow: checked\nbase_branch: develop\nstatus: draft\n---\n\nFix it\n";
        fs::write(&file, header).unwrap();
        let task = desk.bench.task_when("fix-it", "is as said", |view| view.task.auto).task;
        assert_eq!(
            (task.title.as_str(), task.model.as_deref(), task.agent.as_deref()),
            ("Mine", Some("big"), Some("demo"))
        );
        assert_eq!((task.flow.name.as_str(), task.base_branch.as_str()), ("checked", "develop"));
        fs::write(&file, &text).unwrap();
        let task = desk.bench.task_when("fix-it", "is as before", |view| !view.task.auto).task;
        assert_eq!((task.title.as_str(), &task.model, &task.agent), ("fix-it", &None, &None));
        assert_eq!((task.flow.name.as_str(), task.base_branch.as_str()), ("quick", "main"));

        // What is not so is put right, and told.
        fs::write(
            &file,
            text.replace("flow: quick", "flow: nowhere\nagent: nobody").replace("branch: main", "branch: gone"),
        )
        .unwrap();
        let told = desk.bench.notice("flow stays quick");
        assert!(
            told.contains("agent stays") && told.contains("nobody") && told.contains("base_branch stays main"),
            "{told}"
        );
        assert_eq!(desk.file(&file, "is right again", |found| found == text), text);
        desk.bench.start("fix-it");
        desk.bench.reaches("fix-it", State::Approval);
        let text = desk.file(&file, "is idle", |text| text.contains("status: idle"));
        fs::write(&file, text.replace("flow: quick", "flow: checked").replace("branch: main", "branch: develop"))
            .unwrap();
        let told = desk.bench.notice("has started already");
        assert!(told.contains("flow stays quick") && told.contains("base_branch stays main"), "{told}");
        desk.file(&file, "is right again", |found| found == text);
    });
}

/// R87, R89, R96.
#[test]
fn fault_v3_a_status_in_a_file_is_a_wish_that_may_be_refused() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let text = fs::read_to_string(&file).unwrap();
        for status in ["reviewed", "completed", "idle"] {
            fs::write(&file, text.replace("status: draft", &format!("status: {status}"))).unwrap();
            desk.bench.wait(&format!("{status} refused"), |snapshot| {
                let count = snapshot.notices.iter().filter(|it| it.text.contains("status stays draft")).count();
                (count > 0).then_some(())
            });
            desk.file(&file, "is a draft again", |found| found == text);
            assert_eq!(desk.bench.task("fix-it").state, State::Draft, "{status}");
        }
        assert_eq!(desk.errors("status stays draft"), 3);
        // Neither status nor text is lost when both change at once.
        fs::write(&file, text.replace("status: draft", "status: running").replace("Fix it", "Go")).unwrap();
        let task = desk.bench.reaches("fix-it", State::Approval);
        assert_eq!((task.description.as_str(), task.status()), ("Go", Status::Idle));
        desk.file(&file, "is idle", |found| found.contains("status: idle") && found.contains("Go"));
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("status: idle", "status: completed")).unwrap();
        let task = desk.bench.reaches("fix-it", State::Done);
        assert!(!task.reviewed);
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("status: completed", "status: reviewed")).unwrap();
        desk.bench.notice("status stays completed");
        assert!(!desk.bench.task("fix-it").reviewed, "only a person accepts a task");
    });
}

#[test]
fn fault_c3_a_file_starts_nothing_before_trust() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::untrusted(place, &repository);
        let desk = Desk { tasks: repository.root().join(".orchestra/tasks"), repository, bench };
        let file = desk.put("7:by-hand.md", "---\nstatus: running\nflow: quick\n---\n\nRun!\n");
        let told = desk.bench.notice("status stays draft");
        assert!(told.contains("not trusted"), "{told}");
        assert_eq!(desk.bench.task("by-hand").state, State::Draft);
        let text = desk.file(&file, "is a draft", |text| text.contains("status: draft"));
        fs::write(&file, text.replace("status: draft", "status: running")).unwrap();
        desk.bench.wait("refused again", |_| (desk.errors("not trusted") == 2).then_some(()));
        assert_eq!(desk.bench.task("by-hand").state, State::Draft);
        desk.bench.trust();
        let text = desk.file(&file, "is a draft", |text| text.contains("status: draft"));
        fs::write(&file, text.replace("status: draft", "status: running")).unwrap();
        desk.bench.reaches("by-hand", State::Approval);
    });
}

#[test]
fn files_made_by_hand_become_drafts() {
    alone(|place| {
        // Not even the folder is there before.
        let desk = Desk::new(place);
        assert!(!desk.tasks.exists());
        let file = desk.put("42:with-number.md", "# Do this\n\nNow.\n");
        assert_eq!(desk.becomes("with-number"), TaskId(42));
        let task = desk.bench.task("with-number");
        assert_eq!(
            (task.state, task.title.as_str(), task.branch.as_str()),
            (State::Draft, "Do this", "task/with-number")
        );
        let text = desk.file(&file, "has a header", |text| text.starts_with("---"));
        assert_eq!(text, "---\nbase_branch: main\nstatus: draft\n---\n\n# Do this\n\nNow.\n");
        desk.bench.notice("42:with-number.md is a new draft; S starts it");

        let file = desk.put("Without-Number.md", "---\n# mine\nflow: quick\n---\nText\n");
        assert_eq!(desk.becomes("without-number"), TaskId(43));
        assert!(!file.exists());
        let named = desk.tasks.join("43:without-number.md");
        let text = desk.file(&named, "has a header", |text| text.contains("status"));
        assert_eq!(text, "---\n# mine\nflow: quick\nbase_branch: main\nstatus: draft\n---\nText\n");

        desk.put("44-dashed.md", "---\ntitle: Only a title\n---\n");
        desk.becomes("dashed");
        let task = desk.bench.task("dashed");
        assert_eq!((task.title.as_str(), task.description.as_str()), ("Only a title", "Only a title"));

        desk.put("45:started.md", "---\nstatus: running\nflow: quick\n---\nGo\n");
        desk.bench.reaches("started", State::Approval);
        desk.put("46:finished.md", "---\nstatus: completed\n---\nNo\n");
        desk.bench.notice("46:finished.md: status stays draft");
        assert_eq!(desk.bench.task("finished").state, State::Draft);

        let empty = desk.put("47:later.md", "");
        desk.bench.notice("47:later.md is empty");
        fs::write(&empty, "Now it says something").unwrap();
        desk.becomes("later");

        // Numbers go on behind the highest.
        assert_eq!(desk.bench.draft("next", "quick", "Next"), TaskId(48));
        assert_eq!(desk.repository.git(&["status", "--porcelain"]), "");
    });
}

#[test]
fn a_first_file_by_hand_leaves_no_trace_in_git() {
    alone(|place| {
        let repository = Repository::bare_of_settings(place);
        let bench = Bench::untrusted(place, &repository);
        let desk = Desk { tasks: repository.root().join(".orchestra/tasks"), repository, bench };
        let file = desk.put("first.md", "First");
        assert_eq!(desk.becomes("first"), TaskId(1));
        assert!(!file.exists());
        assert_eq!(desk.repository.git(&["status", "--porcelain"]), "");
    });
}

#[test]
fn fault_v2_files_that_are_no_tasks_are_told_once_and_left_alone() {
    alone(|place| {
        let (mut desk, file) = Desk::with_draft(place);
        let mut left: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        let mut wrong = |name: &str, bytes: &[u8], why: &str| {
            let path = desk.put(name, bytes);
            let told = desk.bench.notice(why);
            assert!(told.contains(name), "{told}");
            left.push((path, bytes.to_vec()));
        };
        wrong("0:zero.md", b"x", "0:zero.md: a task's number is");
        wrong("1000000000:big.md", b"x", "1000000000:big.md: a task's number is");
        wrong("100000000:vast.md", b"x", "is at most 99999999");
        wrong("9:BAD.md", b"x", "9:BAD.md: slug \"BAD\"");
        wrong("a b.md", b"x", "slug \"a b\"");
        wrong("1:other.md", b"x", "1:other.md: task 1 has another file");
        wrong("1-fix-it.md", b"x", "1-fix-it.md: task 1 has another file");
        wrong("50:fix-it.md", b"x", "50:fix-it.md: the slug belongs to task 1");
        wrong("51:binary.md", b"\xff\xfe", "51:binary.md is not UTF-8");
        wrong("52:large.md", &vec![b'x'; (1 << 20) + 1], "larger than 1048576 bytes");
        wrong("53:yaml.md", b"---\nstatus: draft\ntitle: [x\n---\n\nText\n", "53:yaml.md:");
        wrong("54:flow.md", b"---\nflow: nowhere\n---\nx", "there is no flow \"nowhere\"");
        wrong(
            "55:closed.md",
            b"---\nstatus: reviewed\nmerged: 2026-01-01\n---\nx",
            "55:closed.md says that its task is over",
        );
        let refusal = desk.bench.notice("53:yaml.md:");
        assert_eq!(desk.errors("9:BAD.md"), 1, "once, however often the folder is looked at");
        let place_of = |name: &str| desk.tasks.join(name);
        fs::create_dir(place_of("60:folder.md")).unwrap();
        desk.bench.notice("60:folder.md is a folder");
        rustix::fs::mknodat(rustix::fs::CWD, place_of("61:fifo.md"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        desk.bench.notice("61:fifo.md is a FIFO");
        let secret = place.write("secret.md", "---\nstatus: running\n---\nsecret\n");
        symlink(&secret, place_of("62:link.md")).unwrap();
        desk.bench.notice("62:link.md is a symbolic link");
        // Twins: nothing tells which of them is meant. A folder that is moved in brings both at once.
        desk.bench.leave();
        desk.put("70:twin.md", "one");
        desk.put("70:twain.md", "two");
        desk.bench.come_back();
        let told = desk.bench.notice("task files changed");
        assert!(told.contains("that cannot be read"), "{told}");

        // Once each, however often the folder is looked at; the good ones are tasks all the same.
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("Fix it", "Still seen")).unwrap();
        desk.described("Still seen");
        desk.put("80:good.md", "Good");
        desk.becomes("good");
        assert_eq!(desk.errors("9:BAD.md"), 0, "after the sum none is told again");
        for (path, bytes) in left {
            assert_eq!(fs::read(&path).unwrap(), bytes, "{} is as it was", path.display());
        }
        assert_eq!(desk.bench.project_view().tasks.len(), 2);
        assert_eq!(fs::read_to_string(&secret).unwrap(), "---\nstatus: running\n---\nsecret\n");
        let (_, place) = refusal.split_once("53:yaml.md:").unwrap();
        let numbers: Vec<_> = place.split(':').take(2).map(|number| number.trim().parse::<u32>().is_ok()).collect();
        assert_eq!(numbers, [true, true], "line and column: {refusal}");
    });
}

#[test]
fn fault_v4_a_header_that_cannot_be_read_changes_nothing() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let text = fs::read_to_string(&file).unwrap();
        let broken = text.replace("status: draft", "status: drafft").replace("Fix it", "Half done");
        fs::write(&file, &broken).unwrap();
        let told = desk.bench.notice("The text before stays in force");
        assert!(told.contains("1:fix-it.md:3:9: "), "{told}");
        assert_eq!(desk.bench.task("fix-it").description, "Fix it");
        // The task goes on; the person's text is not written over, and counts as soon as it can be read.
        desk.bench.start("fix-it");
        desk.bench.reaches("fix-it", State::Approval);
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);
        fs::write(&file, broken.replace("drafft", "draft")).unwrap();
        desk.described("Half done");
        desk.file(&file, "is right", |text| text.contains("status: idle") && text.contains("Half done"));
        assert_eq!(desk.errors("status stays"), 0, "the status that stood there was no wish");
        assert_eq!(desk.errors("The text before stays in force"), 1);
    });
}

#[test]
fn a_deleted_file_is_written_again() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        desk.bench.notice("1:fix-it.md was deleted; it is written again. D deletes the task");
        assert_eq!(desk.file(&file, "is there again", |_| true), text);
        for number in 2..20 {
            desk.bench.draft(&format!("task-{number}"), "quick", "Do it");
        }
        // All at once: files that are written again meanwhile would be in the way of a deletion.
        fs::rename(&desk.tasks, place.path("gone")).unwrap();
        let told = desk.bench.notice("19 deleted and written again");
        assert!(told.starts_with("19 task files changed"), "{told}");
        assert_eq!((fs::read_dir(&desk.tasks).unwrap().count(), fs::read_to_string(&file).unwrap()), (19, text));
        // A file of a task that is gone for good stays gone.
        desk.bench.ask("task-2", |project, task| Request::Delete {
            project,
            task,
            scope: orchestra::model::DeleteScope::All,
        });
        desk.put("2:task-2.md", "Back from a backup");
        desk.bench.notice("2:task-2.md: the slug belongs to a deleted task");
        fs::remove_file(desk.tasks.join("2:task-2.md")).unwrap();
        desk.put("2:other.md", "Another one");
        desk.bench.notice("the number 2 was given before");
    });
}

#[test]
fn a_renamed_file_gets_its_name_again() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        for name in ["1:new-name.md", "2:fix-it.md", "fix-it.md", "1:New Name.md"] {
            let renamed = desk.tasks.join(name);
            fs::rename(&file, &renamed).unwrap();
            let told = desk.bench.wait(name, |snapshot| {
                let told =
                    snapshot.notices.iter().find(|it| it.text.starts_with(&format!("{name} is 1:fix-it.md again")));
                told.map(|notice| notice.text.clone())
            });
            assert!(told.contains("for good"), "{told}");
            assert!(file.is_file() && !renamed.exists(), "{name}");
        }
        // The other spelling is the same name.
        let dashed = desk.tasks.join("1-fix-it.md");
        fs::rename(&file, &dashed).unwrap();
        fs::write(&dashed, fs::read_to_string(&dashed).unwrap().replace("Fix it", "Dashed")).unwrap();
        desk.described("Dashed");
        assert!(!file.exists());
        desk.bench.start("fix-it");
        desk.bench.reaches("fix-it", State::Approval);
        desk.file(&dashed, "is idle", |text| text.contains("status: idle"));
        assert!(!file.exists());
        assert_eq!(desk.errors(""), 0);
    });
}

#[test]
fn fault_v2_a_task_whose_file_became_something_else_keeps_its_text() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let text = fs::read_to_string(&file).unwrap();
        let secret = place.write("secret.md", &text.replace("Fix it", "Leaked"));
        fs::remove_file(&file).unwrap();
        symlink(&secret, &file).unwrap();
        desk.bench.notice("is a symbolic link, not a regular file. The text before stays in force");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        desk.bench.notice("is a folder, not a regular file. The text before stays in force");
        desk.bench.start("fix-it");
        let task = desk.bench.reaches("fix-it", State::Approval);
        assert_eq!(
            (task.description.as_str(), fs::read_to_string(&secret).unwrap()),
            ("Fix it", text.replace("Fix it", "Leaked"))
        );
        assert!(file.is_dir());
        fs::remove_dir(&file).unwrap();
        desk.file(&file, "is there again", |found| found == text.replace("status: draft", "status: idle"));
    });
}

#[test]
fn fault_v5_saves_while_the_task_moves_are_all_read() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        // The person saves, now this way, now that, while every switch of auto mode writes the header.
        for round in 0..60 {
            let auto = round % 2 == 0;
            let text = fs::read_to_string(&file).unwrap();
            let (_, header) = text.split_once("---\n").unwrap();
            let (header, _) = header.split_once("---\n").unwrap();
            let saved = format!("---\n{header}---\n\nVersion {round}\n");
            let task = desk.bench.task("fix-it").id;
            let (sender, answered) = std::sync::mpsc::channel();
            let request = Request::SetAuto { project: desk.bench.project(), task, auto };
            desk.bench.engine().ask(request, move |answer| sender.send(answer).unwrap());
            if round % 3 == 0 {
                save_like_vim(&file, &saved);
            } else {
                fs::write(&file, &saved).unwrap();
            }
            answered.recv().unwrap().unwrap();
            if round % 5 == 0 {
                desk.described(&format!("Version {round}"));
            }
        }
        desk.described("Version 59");
        let found = desk.file(&file, "is right", |text| text.contains("Version 59") && !text.contains("auto: true"));
        assert!(found.contains("status: draft"), "{found}");
        assert!(!desk.bench.task("fix-it").auto);
    });
}

#[test]
fn edits_while_no_engine_runs_are_read_by_the_next() {
    alone(|place| {
        let (mut desk, file) = Desk::with_draft(place);
        desk.bench.draft("other", "quick", "Other");
        desk.bench.leave();
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("Fix it", "Edited meanwhile")).unwrap();
        fs::remove_file(desk.tasks.join("2:other.md")).unwrap();
        desk.put("made-meanwhile.md", "New");
        desk.bench.come_back();
        desk.described("Edited meanwhile");
        assert_eq!(desk.becomes("made-meanwhile"), TaskId(3));
        desk.bench.notice("2:other.md was deleted");
        desk.bench.leave();
        desk.bench.come_back();
        assert_eq!(desk.news("1:fix-it.md") + desk.news("deleted"), 0, "all of it was told");
    });
}

#[test]
fn fault_f12_a_thousand_files_at_once_are_told_in_one_sum() {
    alone(|place| {
        let desk = Desk::new(place);
        for number in 1..=1000 {
            desk.put(&format!("{number}:task-{number}.md"), format!("Do {number}"));
        }
        desk.bench.wait("all the drafts", |snapshot| (snapshot.projects[0].tasks.len() == 1000).then_some(()));
        desk.bench.notice("new drafts");
        let notices = desk.bench.engine().snapshot().notices.len();
        assert!(notices < 40, "{notices} notices");
        let last = desk.tasks.join("1000:task-1000.md");
        desk.file(&last, "has a header", |text| text.contains("status: draft"));
        for number in 1..=200 {
            let path = desk.tasks.join(format!("{number}:task-{number}.md"));
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, format!("{text}\nAnd again\n")).unwrap();
        }
        desk.bench.wait("all the edits", |snapshot| {
            let edited = snapshot.projects[0].tasks.iter().filter(|view| view.task.description.ends_with("And again"));
            (edited.count() == 200).then_some(())
        });
    });
}

#[test]
fn our_own_writes_are_no_edits() {
    alone(|place| {
        let (desk, _) = Desk::with_draft(place);
        for round in 0..10 {
            desk.bench.ask("fix-it", |project, task| Request::SetAuto { project, task, auto: round % 2 == 0 });
        }
        // What is seen of the folder is in order: when the probe is read, all before it has been.
        desk.put("probe.md", "Probe");
        desk.bench.notice("probe.md is a new draft");
        desk.bench.draft("last", "quick", "Last");
        desk.put("end.md", "End");
        desk.bench.notice("end.md is a new draft");
        let snapshot = desk.bench.engine().snapshot();
        assert!(snapshot.notices.iter().all(|notice| !notice.text.contains("fix-it")), "{:#?}", snapshot.notices);
        assert!(snapshot.generation < 100, "{} snapshots", snapshot.generation);
    });
}

#[test]
fn fault_f5_a_folder_that_cannot_be_written_is_told_once_and_caught_up_with() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let Some(mount) = Mount::over(&desk.tasks, "size=1m") else { return };
        fs::write(&file, "---\nbase_branch: main\nstatus: draft\nflow: quick\n---\n\nFix it\n").unwrap();
        mount.remount("ro");
        for _ in 0..3 {
            desk.bench.ask("fix-it", |project, task| Request::SetAuto { project, task, auto: true });
        }
        assert!(desk.bench.task("fix-it").auto, "the task itself is not held up");
        desk.bench.notice("Read-only file system");
        assert_eq!(desk.errors("Read-only file system"), 1);
        mount.remount("rw");
        desk.put("probe.md", "Probe");
        desk.becomes("probe");
        desk.file(&file, "is caught up with", |text| text.contains("auto: true"));
    });
}

#[test]
fn fault_f1_a_full_disk_leaves_the_old_text_and_is_caught_up_with() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        let Some(_mount) = Mount::over(&desk.tasks, "size=16k") else { return };
        let text = "---\nbase_branch: main\nstatus: draft\nflow: quick\n---\n\nFix it\n";
        fs::write(&file, text).unwrap();
        let ballast = desk.tasks.join("ballast");
        while let Ok(written) = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&ballast)
            .and_then(|mut ballast| std::io::Write::write(&mut ballast, &[0; 4096]))
        {
            assert_ne!(written, 0);
        }
        desk.bench.ask("fix-it", |project, task| Request::SetAuto { project, task, auto: true });
        desk.bench.notice("No space left on device");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "not a byte of the old text is gone");
        assert!(desk.bench.task("fix-it").auto);
        fs::remove_file(&ballast).unwrap();
        desk.put("probe.md", "Probe");
        desk.becomes("probe");
        desk.file(&file, "is caught up with", |text| text.contains("auto: true"));
    });
}

#[test]
fn fault_c2_settings_of_the_user_are_in_force_at_once() {
    alone(|place| {
        let desk = Desk::new(place);
        let user = place.path("orchestra-home/config.yaml");
        let limit = |wanted: u32| {
            desk.bench.wait(&format!("max_running {wanted}"), |snapshot| {
                (snapshot.projects[0].config.max_running == wanted).then_some(())
            });
        };
        limit(8);
        fs::write(&user, "max_running: 3\n").unwrap();
        limit(3);
        fs::write(&user, "max_runing: 4\n").unwrap();
        let told = desk.bench.notice("max_runing");
        assert!(told.contains("config.yaml:1:1: ") && told.contains("did you mean \"max_running\"?"), "{told}");
        limit(3);
        desk.repository.configure("max_running: 2");
        fs::remove_file(&user).unwrap();
        limit(2);
        // By a link, as people do who keep such files elsewhere.
        let config = desk.repository.read(".orchestra/config.yaml").replace("max_running: 2", "");
        desk.repository.write(".orchestra/config.yaml", &config);
        limit(8);
        let dotfile = place.write("dotfiles/orchestra.yaml", "max_running: 5\n");
        symlink(&dotfile, &user).unwrap();
        limit(5);
        fs::write(&dotfile, "max_running: 6\n").unwrap();
        limit(6);
    });
}

#[test]
fn fault_f15_a_file_keeps_its_mode() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        desk.bench.ask("fix-it", |project, task| Request::SetAuto { project, task, auto: true });
        desk.file(&file, "says so", |text| text.contains("auto: true"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    });
}

#[test]
fn a_title_that_a_task_was_given_stands_in_its_file() {
    alone(|place| {
        let (desk, file) = Desk::with_draft(place);
        desk.put("named.md", "---\ntitle: 'Mine: too'\n---\n# Not this\n");
        desk.becomes("named");
        assert_eq!(desk.bench.task("named").title, "Mine: too");
        assert!(!fs::read_to_string(file).unwrap().contains("title"), "what follows from the text is not written");
        let refused = desk.bench.try_create(new_task("named", "quick", "Again"));
        assert!(refused.is_err());
    });
}

/// A small file system of memory over a folder; gone with the value.
struct Mount(PathBuf);

impl Mount {
    /// None where that is not allowed, which is said.
    fn over(folder: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        _ = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: no file system can be mounted\n");
        None
    }

    fn remount(&self, mode: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(&self.0).status().unwrap();
        assert!(done.success(), "remount {mode}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
