use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::model::{
    Comment, ExitStatus, NewComment, Notice, NoticeKind, ProjectId, RunId, SessionId, SessionKind, Side, Slug, State,
    Usage, UsageRecord, solo,
};

fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

fn task(id: TaskId, slug: &str) -> Task {
    Task {
        id,
        title: slug.to_owned(),
        description: "Do it.".to_owned(),
        base_branch: "main".to_owned(),
        branch: format!("task/{slug}"),
        ..Task::draft(Slug::new(slug).unwrap(), solo(), now())
    }
}

fn effect(key: &str) -> StoredEffect {
    StoredEffect { key: key.to_owned(), json: serde_json::json!({"run": key}) }
}

fn fresh() -> (TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path()).unwrap();
    (dir, database)
}

/// A database with one task and one effect, closed.
fn filled() -> (TempDir, Task) {
    let (dir, mut database) = fresh();
    let task = task(database.next_task_id().unwrap(), "one");
    database.transition(&task, &[effect("setup")], None).unwrap();
    (dir, task)
}

#[test]
fn a_transition_is_whole_and_survives() {
    let (dir, mut task) = filled();
    let mut database = Database::open(dir.path()).unwrap();
    assert_eq!(database.task(task.id).unwrap().as_ref(), Some(&task));
    let pending = database.pending_effects().unwrap();
    assert_eq!((pending[0].task, &pending[0].effect, pending[0].created_at), (Some(task.id), &effect("setup"), now()));
    task.state = State::Working;
    let ids = database.transition(&task, &[effect("a"), effect("b")], Some(pending[0].id)).unwrap();
    assert_eq!(database.pending_effects().unwrap().iter().map(|p| p.id).collect::<Vec<_>>(), ids);
    assert!(database.finish_effect(ids[0]).unwrap() && !database.finish_effect(ids[0]).unwrap());

    // A transition that fails half-way changes nothing: the slug is taken.
    let mut other = task.clone();
    other.id = database.next_task_id().unwrap();
    assert!(database.transition(&other, &[effect("c")], Some(ids[1])).is_err());
    assert_eq!(database.pending_effects().unwrap().len(), 1);
    assert_eq!(database.tasks().unwrap().tasks, [task]);
}

/// R97.
#[test]
fn comments_are_sent_with_their_transition_or_not_at_all() {
    let (dir, task) = filled();
    let mut database = Database::open(dir.path()).unwrap();
    let new = |line| NewComment {
        path: "a.rs".to_owned(),
        side: Side::Old,
        line,
        text: "why".to_owned(),
        quote: Some("let x;".to_owned()),
    };
    let [first, second] = [1, 2].map(|line| database.add_comment(task.id, &new(line), now()).unwrap());
    let mut other = task.clone();
    other.id = database.next_task_id().unwrap();
    let others = database.add_comment(other.id, &new(3), now()).unwrap();
    let with_comments = Answered { comments: true, ..Answered::default() };
    // The slug is taken.
    assert!(database.transition(&other, &[], with_comments).is_err());
    assert!(!database.drop_comment(other.id, first.id).unwrap() && database.drop_comment(task.id, first.id).unwrap());
    assert_eq!(database.open_comments().unwrap(), [(task.id, second.clone()), (other.id, others.clone())]);
    database.transition(&task, &[], with_comments).unwrap();
    assert_eq!(database.open_comments().unwrap(), [(other.id, others)]);
    assert!(!database.drop_comment(task.id, second.id).unwrap(), "it is sent");
    assert_eq!(database.comments(task.id).unwrap(), [Comment { sent_at: Some(task.updated_at), ..second }]);
}

#[test]
fn numbers_are_never_given_twice() {
    let (dir, mut database) = fresh();
    assert_eq!([database.next_task_id().unwrap(), database.next_task_id().unwrap()], [TaskId(1), TaskId(2)]);
    assert!(database.claim_task_id(TaskId(40)).unwrap());
    assert!(!database.claim_task_id(TaskId(2)).unwrap());
    drop(database);
    assert_eq!(Database::open(dir.path()).unwrap().next_task_id().unwrap(), TaskId(41));
}

#[test]
fn the_trash_gives_back() {
    let (dir, task) = filled();
    let mut database = Database::open(dir.path()).unwrap();
    let artifact = Artifact { stage: "work".into(), iteration: 1, name: "summary".into(), text: "done".into() };
    database.put_artifact(task.id, &artifact).unwrap();
    database.trash_task(&task, "refs/orchestra/trash/one/1", now(), None).unwrap();
    assert!(database.tasks().unwrap().tasks.is_empty() && database.pending_effects().unwrap().is_empty());
    assert_eq!(database.slugs().unwrap(), ["one"]);
    let entry = database.trash().unwrap().remove(0);
    database.restore_task(entry.id, &entry.task).unwrap();
    assert_eq!(database.tasks().unwrap().tasks, std::slice::from_ref(&task));
    assert_eq!(database.artifacts(task.id).unwrap(), [artifact]);
    database.trash_task(&task, "refs/orchestra/trash/one/2", now(), None).unwrap();
    let entry = database.trash().unwrap().remove(0);
    database.expire_trash(&entry).unwrap();
    assert!(database.artifacts(task.id).unwrap().is_empty() && database.slugs().unwrap().is_empty());
}

#[test]
fn sessions_messages_and_the_rest() {
    let (_dir, mut database) = fresh();
    let session = StoredSession {
        run: RunId::from("r1"),
        session: SessionId::main(),
        kind: SessionKind::Designer,
        task: None,
        name: "demo".into(),
        dir: "/run/r1".into(),
        argv: vec!["demo".into()],
        env_names: vec!["PATH".into()],
        cwd: "/code".into(),
        conversation: None,
        created_at: now(),
        ended_at: None,
        exit: None,
        boot: Some("b1".into()),
        resumed: false,
        permissions: None,
    };
    database.put_session(&session).unwrap();
    assert_eq!(database.live_sessions().unwrap(), std::slice::from_ref(&session));
    let ended = StoredSession { ended_at: Some(now()), exit: Some(ExitStatus::Code(0)), ..session };
    database.put_session(&ended).unwrap();
    assert!(database.live_sessions().unwrap().is_empty());
    assert_eq!(database.last_session(&SessionId::main()).unwrap(), Some(ended));

    let id = database.queue_message(&SessionId::main(), Some(&"one".into()), "hi", now()).unwrap();
    assert_eq!(database.queued_messages().unwrap().len(), 1);
    assert!(database.settle_message(id, Delivery::Delivered).unwrap());
    assert!(!database.settle_message(id, Delivery::Unknown).unwrap());
    assert_eq!(database.messages(&"one".into(), 10).unwrap()[0].delivery, Delivery::Delivered);

    let notice = Notice {
        seq: 0,
        kind: NoticeKind::Error,
        text: "no".into(),
        about: Some((ProjectId::from("p"), SessionId::main())),
        at: now(),
        bell: true,
    };
    let seq = database.add_notice(&notice).unwrap();
    assert_eq!(database.notices().unwrap(), [(Notice { seq, ..notice }, false)]);
    database.read_notices(seq).unwrap();
    assert!(database.notices().unwrap()[0].1);

    database.mark_unread(&SessionId::main()).unwrap();
    assert!(database.unread().unwrap().contains(&SessionId::main()));
    database.mark_seen(&SessionId::main()).unwrap();
    assert!(database.unread().unwrap().is_empty());

    database.set_value("draft", "text").unwrap();
    assert_eq!(database.value("draft").unwrap().as_deref(), Some("text"));
    database.remove_value("draft").unwrap();
    assert_eq!(database.value("draft").unwrap(), None);

    let worktree =
        Worktree { path: "/w/one".into(), task: None, branch: "b".into(), owns_branch: true, created_at: now() };
    database.record_worktree(&worktree).unwrap();
    assert_eq!(database.worktrees().unwrap(), [worktree]);
    database.forget_worktree(Path::new("/w/one")).unwrap();
    assert!(database.worktrees().unwrap().is_empty());

    database.set_task_text(TaskId(1), Path::new("/t/1:a.md"), "body").unwrap();
    assert_eq!(database.task_text(TaskId(1)).unwrap().unwrap().text, "body");
}

#[test]
fn fault_f15_every_file_is_private() {
    let (dir, mut database) = fresh();
    database.set_value("a", "b").unwrap();
    database.back_up().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn fault_f4_a_newer_database_is_left_alone() {
    let (dir, _task) = filled();
    let path = dir.path().join("orchestra.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Database::open(dir.path()).unwrap_err();
    assert!(matches!(error, DatabaseError::Newer { found: 99, .. }) && error.to_string().contains("orchestra.db"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn fault_f4_a_broken_database_is_kept_and_its_backup_used() {
    let (dir, task) = filled();
    let path = dir.path().join("orchestra.db");
    let sound = fs::read(&path).unwrap();
    let cuts = (0..sound.len()).step_by(sound.len() / 97 + 1).map(|cut| sound[..cut].to_vec());
    let zeros = vec![0; sound.len()];
    for bytes in cuts.chain([zeros, b"not a database at all, but long enough".to_vec()]) {
        fs::write(&path, &bytes).unwrap();
        let error = Database::open(dir.path()).unwrap_err();
        assert!(matches!(error, DatabaseError::Broken { .. }), "{} bytes: {error}", bytes.len());
        assert_eq!(fs::read(&path).unwrap(), bytes, "never replaced without a backup");
    }
    fs::write(&path, &sound).unwrap();
    Database::open(dir.path()).unwrap().back_up().unwrap();
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    let database = Database::open(dir.path()).unwrap();
    let kept = database.recovery().unwrap().kept.clone().unwrap();
    assert_eq!(fs::read(kept).unwrap(), &sound[..sound.len() / 2]);
    assert_eq!(database.tasks().unwrap().tasks, std::slice::from_ref(&task));
    drop(database);
    fs::remove_file(&path).unwrap();
    let database = Database::open(dir.path()).unwrap();
    assert_eq!(database.recovery().unwrap().kept, None);
    assert_eq!(database.tasks().unwrap().tasks, [task]);
}

#[test]
fn fault_f4_one_unreadable_task_hides_no_other() {
    let (dir, task) = filled();
    let mut database = Database::open(dir.path()).unwrap();
    let id = database.next_task_id().unwrap();
    database.execute("INSERT INTO tasks VALUES (?1, 'two', 'draft', '{}')", [id.0]).unwrap();
    let tasks = database.tasks().unwrap();
    assert_eq!(tasks.tasks, [task]);
    assert_eq!(tasks.unreadable[0].0, id);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The outbox is the list of what was added and not finished, in order, also after a reopening in between.
    #[test]
    fn the_outbox_is_a_queue(steps in proptest::collection::vec((0..4usize, any::<bool>(), any::<bool>()), 1..12)) {
        let dir = tempfile::tempdir().unwrap();
        let mut database = Database::open(dir.path()).unwrap();
        let task = task(database.next_task_id().unwrap(), "one");
        let mut expected: Vec<EffectId> = Vec::new();
        for (added, finishes, reopens) in steps {
            let finished = if finishes && !expected.is_empty() { Some(expected.remove(0)) } else { None };
            expected.extend(database.transition(&task, &vec![effect("x"); added], finished).unwrap());
            if reopens {
                drop(database);
                database = Database::open(dir.path()).unwrap();
            }
            let pending: Vec<_> = database.pending_effects().unwrap().into_iter().map(|p| p.id).collect();
            prop_assert_eq!(&pending, &expected);
        }
    }
}

/// R109.
#[test]
fn what_agents_took_counts_once_and_sums_up() {
    let (_dir, mut database) = fresh();
    let record = |task: Option<u32>, stage: &str, input| UsageRecord {
        task: task.map(TaskId),
        session: "one".into(),
        agent: "opencode".to_owned(),
        stage: stage.to_owned(),
        usage: Usage { input, cached: 1, output: 2, cost: 3 },
    };
    for (id, record, is_new) in [
        ("a", record(Some(1), "work", 10), true),
        ("a", record(Some(1), "work", 10), false),
        ("b", record(Some(1), "work", 5), true),
        ("c", record(Some(1), "review", 1), true),
        ("d", record(None, "", u64::MAX), true),
    ] {
        assert_eq!(database.add_usage(id, &record, now()).unwrap(), is_new, "{id}");
    }
    let twice = Usage { input: 15, cached: 2, output: 4, cost: 6 };
    let usage = database.usage().unwrap();
    assert_eq!(usage[0], UsageRecord { usage: twice, ..record(Some(1), "work", 0) });
    assert_eq!((usage.len(), &usage[1], usage[2].task), (3, &record(Some(1), "review", 1), None));
    let all = Usage { input: 16, cached: 3, output: 6, cost: 9 };
    assert_eq!(database.usage_of(TaskId(1)).unwrap(), (all, Usage::default()));
    database.set_spent(TaskId(1), &twice).unwrap();
    assert_eq!(database.usage_of(TaskId(1)).unwrap(), (all, twice));
    assert_eq!(database.usage_of(TaskId(2)).unwrap(), (Usage::default(), Usage::default()));
}
