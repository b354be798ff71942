//! All processes are gone at once, with no last words: sessions are paused, and go on with the conversation and the launch
//! that they had.

use std::ffi::OsString;
use std::fs;

use orchestra::model::{NewTask, Pause, PermissionMode, ReasonKind, Reply, Request, SessionId, State};
use orchestra::store::Database;
use orchestra::store::database::StoredSession;

use crate::engine::{Bench, new_task};
use crate::place::{Door, Place, alone};
use crate::repo::Repository;
use crate::{WILLING, artifact, stops_at};

/// The project's database, while no engine has it.
fn database(place: &Place) -> Database {
    let mut states = fs::read_dir(place.path("orchestra-home/state")).unwrap();
    Database::open(&states.next().unwrap().unwrap().path()).unwrap()
}

/// What the database holds of the latest run of a session.
fn record(place: &Place, session: &str) -> StoredSession {
    database(place).last_session(&SessionId::from(session)).unwrap().unwrap()
}

/// A task whose agent was in the middle of its turn when the power went; the engine is still to come back.
fn interrupted(place: &Place) -> (Repository, Bench, String) {
    let door = place.door("door");
    let repository = Repository::new(place, &stops_at(&door, "{submit: never}"));
    let mut bench = Bench::open(place, &repository);
    bench.begin("fix-it", "quick", "Fix it");
    let conversation = power_goes(place, &mut bench, &door);
    (repository, bench, conversation)
}

/// The power goes while the agent of `fix-it` is at the door; its conversation.
fn power_goes(place: &Place, bench: &mut Bench, door: &Door) -> String {
    let knock = door.reached();
    bench.task_when("fix-it", "runs", |view| view.session.as_ref().is_some_and(|session| session.alive));
    let conversation = bench.task("fix-it").conversation("work").unwrap().to_owned();
    bench.leave();
    place.cut_power();
    drop(knock);
    conversation
}

#[test]
fn fault_p5_sessions_whose_shims_were_killed_are_paused_and_go_on() {
    alone(|place| {
        let (repository, mut bench, conversation) = interrupted(place);
        bench.come_back();
        let task = bench.task("fix-it");
        assert_eq!(task.state, State::Paused);
        let reason = task.reason.clone().unwrap();
        assert_eq!(reason.kind, ReasonKind::Paused(Pause::Lost), "the machine is still up");
        assert_eq!(task.conversation("work"), Some(conversation.as_str()));
        assert!(bench.worktree("fix-it").join("app.txt").is_file());
        bench.start("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(task.conversations, [("work".to_owned(), conversation.clone())]);
        assert_eq!(task.iterations.len(), 1, "the same iteration");
        let said = bench.said_to(&conversation);
        assert!(said.len() == 2 && said[1].contains("interrupted"), "{said:#?}");
        assert_eq!(artifact(&repository, "fix-it", "summary").trim(), "went on");
    });
}

#[test]
fn fault_p22_a_restart_of_the_machine_is_told_from_a_lost_process() {
    alone(|place| {
        let (_repository, mut bench, _) = interrupted(place);
        let mut stored = record(place, "fix-it");
        assert!(stored.boot.as_ref().is_some_and(|boot| !boot.is_empty()) && stored.ended_at.is_none());
        stored.boot = Some("another start of the machine".to_owned());
        database(place).put_session(&stored).unwrap();
        bench.come_back();
        let reason = bench.task("fix-it").reason.clone().unwrap();
        assert_eq!(reason.kind, ReasonKind::Paused(Pause::Reboot));
        assert!(reason.text.contains("restarted"), "{}", reason.text);
        bench.start("fix-it");
        bench.reaches("fix-it", State::Approval);
        // What was told once is over: the next engine finds nothing to pick up.
        bench.leave();
        bench.come_back();
        assert_eq!(bench.task("fix-it").state, State::Approval);
    });
}

#[test]
fn a_session_goes_on_as_it_was_launched_whatever_the_settings_say_now() {
    alone(|place| {
        let (repository, mut bench, conversation) = interrupted(place);
        let before = record(place, "fix-it");
        assert_eq!((before.name.as_str(), before.permissions), ("scripted", Some(PermissionMode::Edits)));
        assert_eq!(before.conversation.as_deref(), Some(conversation.as_str()));
        // Another agent by default, other worktrees, more rights.
        repository.agent("other", "{start: [sh, -c, 'echo not me; exit 7']}");
        let config = repository.read(".orchestra/config.yaml").replace("agent: scripted", "agent: other");
        repository.write(".orchestra/config.yaml", &format!("permissions: all\n{config}"));
        // A variable that the person's shell had then, and has no more.
        let mut stored = before.clone();
        stored.env_names.push(OsString::from("API_TOKEN"));
        database(place).put_session(&stored).unwrap();
        bench.come_back();
        bench.trust();
        bench.start("fix-it");
        bench.reaches("fix-it", State::Approval);
        bench.notice("fix-it goes on without API_TOKEN");
        assert_eq!(bench.said_to(&conversation).len(), 2);
        bench.stop("fix-it");
        bench.leave();
        let after = record(place, "fix-it");
        assert_ne!(after.run, before.run);
        assert_eq!((after.name, after.permissions, after.cwd), (before.name, before.permissions, before.cwd));
        assert_eq!((after.conversation, after.resumed, before.resumed), (before.conversation, true, false));
        let names =
            |record: &[OsString]| record.iter().filter(|name| *name != "API_TOKEN").cloned().collect::<Vec<_>>();
        assert_eq!(names(&after.env_names), names(&before.env_names));
        assert!(after.argv.contains(&"--resume".into()) && after.argv.contains(&conversation.clone().into()));
        bench.come_back();
    });
}

#[test]
fn another_agent_that_a_person_asked_for_begins_its_own_conversation() {
    alone(|place| {
        let (repository, mut bench, conversation) = interrupted(place);
        let script = place.path("script.yaml");
        let start = format!(
            "[orchestra, demo-agent, --script, '{}', --conversation, '{{conversation}}', --, '{{prompt}}']",
            script.display()
        );
        repository
            .agent("other", &format!("{{start: {start}, conversation: preset, events: osc7501, quit: [\"\\x04\"]}}"));
        place.write("script.yaml", WILLING);
        bench.come_back();
        bench.trust();
        let file = repository.root().join(format!(".orchestra/tasks/{}:fix-it.md", bench.task("fix-it").id));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("---\n", "---\nagent: other\n", 1)).unwrap();
        bench.task_when("fix-it", "has the other agent", |view| view.task.agent.as_deref() == Some("other"));
        bench.start("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_ne!(task.conversation("work"), Some(conversation.as_str()));
        assert!(task.conversations.iter().any(|(_, id)| *id == conversation), "the old one is kept");
    });
}

#[test]
fn a_resume_that_fails_keeps_the_conversation_and_can_be_tried_again() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &stops_at(&door, "{submit: never}"));
        let (script, ready) = (place.path("script.yaml"), place.path("ready"));
        let agent = |rest: &str| {
            format!(
                "orchestra demo-agent --script '{}' --conversation \\\"$0\\\" {rest} -- \\\"$1\\\"",
                script.display()
            )
        };
        let entry = format!(
            "{{start: [sh, -c, \"exec {}\", '{{conversation}}', '{{prompt}}'], resume: [sh, -c, \"test -e '{}' || {{ echo no such conversation; exit 3; }}; exec {}\", '{{conversation}}', '{{prompt}}'], conversation: preset, events: osc7501, rest_after_ms: 500, quit: [\"\\x04\"]}}",
            agent(""),
            ready.display(),
            agent("--resume"),
        );
        repository.agent("moody", &entry);
        let mut bench = Bench::open(place, &repository);
        bench.made(NewTask { agent: Some("moody".to_owned()), start: true, ..new_task("fix-it", "quick", "Fix it") });
        let conversation = power_goes(place, &mut bench, &door);
        bench.come_back();
        for _ in 0..2 {
            bench.start("fix-it");
            let view = bench.task_when("fix-it", "is paused again", |view| {
                view.task.state == State::Paused && view.session.as_ref().is_some_and(|session| session.exit.is_some())
            });
            assert_eq!(view.task.conversations, [("work".to_owned(), conversation.clone())], "the id is kept");
            let told = bench.notice("The id is kept");
            assert!(told.contains(&conversation) && told.contains("exited 3"), "{told}");
        }
        fs::write(ready, "").unwrap();
        bench.start("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(task.conversations, [("work".to_owned(), conversation.clone())]);
        assert_eq!(bench.said_to(&conversation).len(), 2);
    });
}

#[test]
fn an_agent_that_is_gone_from_the_machine_keeps_its_conversation() {
    alone(|place| {
        let (repository, mut bench, conversation) = interrupted(place);
        let config = repository.read(".orchestra/config.yaml");
        repository.write(".orchestra/config.yaml", &config.replace("resume: [orchestra,", "resume: [no-such-agent,"));
        bench.come_back();
        bench.trust();
        bench.start("fix-it");
        let view = bench.task_when("fix-it", "failed", |view| !view.task.state.is_busy());
        assert_eq!(view.task.state, State::Failed);
        let reason = bench.reason("fix-it");
        assert!(reason.contains("no-such-agent") && reason.contains(&conversation), "{reason}");
        repository.write(".orchestra/config.yaml", &config);
        bench.wait("the settings to be read", |snapshot| {
            let resume = snapshot.projects[0].config.agents["scripted"].get("resume")?.get(0)?.as_str()?.to_owned();
            (resume == "orchestra").then_some(())
        });
        bench.trust();
        bench.start("fix-it");
        bench.reaches("fix-it", State::Approval);
        assert_eq!(bench.said_to(&conversation).len(), 2);
    });
}

#[test]
fn the_designer_goes_on_with_its_conversation_too() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let mut bench = Bench::open(place, &repository);
        let start = |bench: &Bench| {
            let reply = bench.engine().call(Request::StartDesigner { project: bench.project() });
            assert!(matches!(reply, Ok(Reply::Session { .. })), "{reply:?}");
            bench.screen("main", "orchestra demo agent")
        };
        start(&bench);
        bench.leave();
        let before = record(place, "main");
        place.cut_power();
        bench.come_back();
        assert!(bench.project_view().designer.as_ref().is_none_or(|session| !session.alive));
        start(&bench);
        bench.leave();
        let after = record(place, "main");
        assert_eq!((&after.conversation, after.resumed), (&before.conversation, true));
        assert!(after.conversation.is_some());
        bench.come_back();
        // One that ended of its own is over: the next one begins afresh.
        let terminal = bench.engine().terminal(&(bench.project(), SessionId::main())).unwrap();
        terminal.input(b"\x04").unwrap();
        bench.wait("the end of the designer", |snapshot| {
            snapshot.projects[0].designer.as_ref().is_none_or(|session| !session.alive).then_some(())
        });
        start(&bench);
        bench.leave();
        assert_ne!(record(place, "main").conversation, before.conversation);
        bench.come_back();
    });
}
