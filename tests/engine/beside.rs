//! What agents say beside what they hand in: resources for those who come after them, and what they did.

use std::fs;

use orchestra::model::{NewTask, Reply, Request, Resource, SessionId, State, Submission};
use orchestra::store::{Home, projects};

use crate::engine::{Bench, new_task};
use crate::place::{Place, alone};
use crate::repo::Repository;
use crate::{WILLING, artifact};

/// An agent that runs commands where a message has these words.
fn runs(rules: &[(&str, &[&str])]) -> String {
    let steps = |lines: &[&str]| lines.iter().map(|line| serde_json::json!({"run": line})).collect::<Vec<_>>();
    let rules: Vec<_> =
        rules.iter().map(|(when, lines)| serde_json::json!({"when": when, "steps": steps(lines)})).collect();
    serde_json::json!({"rules": rules, "otherwise": [{"say": "heard"}]}).to_string()
}

fn prompt(bench: &Bench, slug: &str) -> String {
    match bench.ask(slug, |project, task| Request::Prompt { project, task, stage: None }) {
        Reply::Text { text } => text,
        other => panic!("no prompt but {other:?}"),
    }
}

/// The part of a prompt with this title.
fn part<'a>(prompt: &'a str, title: &str) -> &'a str {
    let (_, rest) = prompt.split_once(&format!("# {title}")).unwrap_or_else(|| panic!("no {title}: {prompt}"));
    rest.split("\n# ").next().unwrap()
}

/// R75.
#[test]
fn resources_reach_later_stages_and_subtasks_and_outlive_the_engine() {
    alone(|place| {
        let script = runs(&[
            (
                "artifact `plan` by",
                &[
                    "mkdir docs && echo format >docs/spec.md",
                    "cd docs && echo 'the plan' | orchestra submit --resource 'spec spec.md the format' \
                     --resource 'ticket https://host/1 what was asked'",
                ],
            ),
            (
                "artifact `summary` by",
                &[
                    "echo done | orchestra submit --resource 'ticket https://host/2' --resource 'pr https://host/pr/3 ready'",
                ],
            ),
        ]);
        let repository = Repository::new(place, &script);
        let mut bench = Bench::open(place, &repository);
        bench.begin("fix-it", "checked", "Fix it");
        let task = bench.reaches("fix-it", State::Approval);
        let said = bench.said_to(task.conversation("work").unwrap());
        let told = "spec: docs/spec.md (the format)\nticket: https://host/1 (what was asked)";
        assert!(part(&said[0], "Resources").contains(&format!("```\n{told}\n```")), "{}", said[0]);
        assert!(!bench.said_to(task.conversation("plan").unwrap())[0].contains("# Resources"));

        let all = ["spec: docs/spec.md (the format)", "ticket: https://host/2", "pr: https://host/pr/3 (ready)"];
        let lines = |bench: &Bench| bench.task("fix-it").resources.iter().map(Resource::line).collect::<Vec<_>>();
        assert_eq!(lines(&bench), all);
        bench.leave();
        bench.come_back();
        assert_eq!(lines(&bench), all, "they are in the database");

        let parent = Some(task.id);
        bench.made(NewTask { parent, ..new_task("piece", "quick", "A part of it") });
        assert!(part(&prompt(&bench, "piece"), "Resources").contains(&all.join("\n")));
    });
}

/// R75.
#[test]
fn a_resource_that_nobody_could_read_is_refused_while_the_agent_can_mend_it() {
    alone(|place| {
        let door = place.door("door");
        let repository = Repository::new(place, &crate::stops_at(&door, "{submit: done}"));
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let knock = door.reached();
        let submit = |name: &str, url: &str| {
            bench.engine().call(Request::Submit {
                project: bench.project(),
                session: SessionId::from("fix-it"),
                run: None,
                submission: Submission::Artifact { text: "done".to_owned() },
                resources: vec![Resource { name: name.to_owned(), url: url.to_owned(), description: None }],
                log: None,
            })
        };
        for (name, url, words) in [
            ("spec", "docs/spec.md", "there is no docs/spec.md in the worktree"),
            ("spec", "../../app.txt", "neither http(s)://.. nor a path inside of the worktree"),
            ("the spec", "app.txt", "one word"),
        ] {
            let failure = submit(name, url).unwrap_err();
            assert!(failure.message.contains(words) && failure.hint.is_some(), "{failure}");
        }
        assert!(bench.task("fix-it").resources.is_empty());
        assert!(!bench.task("fix-it").iterations[0].submitted, "nothing of it was taken");
        submit("app", "app.txt").unwrap();
        knock.open();
        bench.reaches("fix-it", State::Approval);
        assert_eq!(bench.task("fix-it").resources[0].line(), "app: app.txt");
    });
}

/// R76.
#[test]
fn each_attempt_is_told_of_by_its_agent_and_by_the_engine() {
    alone(|place| {
        let script = runs(&[
            (
                "The gate failed",
                &[
                    "touch fixed.txt; git add -A; git commit -qm 'Mend it'",
                    "echo mended | orchestra submit --log 'Found it.'",
                ],
            ),
            ("artifact `plan` by", &["echo 'the plan' | orchestra submit --log 'Read the code.'"]),
            (
                "artifact `summary` by",
                &[
                    "echo work >work.txt; git add -A; git commit -qm 'Do half'; git commit -qm 'Do the rest' --allow-empty",
                    "echo summary | orchestra submit",
                ],
            ),
        ]);
        let repository = Repository::new(place, &script);
        repository.script("checks.sh", "test -e fixed.txt");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "checked", "Fix it");
        let task = bench.reaches("fix-it", State::Approval);
        let prompt = &bench.said_to(task.conversation("work").unwrap())[0];
        for words in ["# Artifact `activity_log` (/", "## plan 1: passed", "> Read the code."] {
            assert!(prompt.contains(words), "{words}: {prompt}");
        }

        bench.approve("fix-it");
        bench.reaches("fix-it", State::Done);
        let log = artifact(&repository, "fix-it", "activity_log");
        let parts: Vec<_> = log.split("\n## ").skip(1).collect();
        assert_eq!(parts.len(), 3, "{log}");
        let has =
            |part: &str, words: &[&str]| words.iter().for_each(|word| assert!(part.contains(word), "{word}: {log}"));
        has(parts[0], &["work 2: passed", "began by: gate", "gate: attempt 2, ", "Mend it\n", "> Found it."]);
        has(
            parts[1],
            &["work 1: gate failed", "- agent: scripted", "began by: flow", "gate: attempt 1, exited 1", "work-2.log"],
        );
        has(parts[1], &["Do the rest\n", "Do half\n"]);
        has(parts[2], &["plan 1: passed", "- commits: none", "> Read the code."]);
        assert!(!parts[1].contains('>') && !parts[0].contains("Do half"), "{log}");
    });
}

/// R76.
#[test]
fn the_log_is_written_again_after_a_death_between_the_end_and_the_writing() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let mut bench = Bench::open(place, &repository);
        let task = bench.begin("fix-it", "checked", "Fix it");
        bench.reaches("fix-it", State::Approval);
        let file = repository.root().join(".orchestra/.artifacts/fix-it/activity_log.md");
        let log = fs::read_to_string(&file).unwrap();
        bench.leave();
        fs::remove_file(&file).unwrap();
        owed(place, task.0, r#"{"do":"log_attempt","iteration":0,"run":null}"#);
        bench.come_back();
        bench.wait("the log", |_| fs::read_to_string(&file).is_ok_and(|text| text == log).then_some(()));
        bench.leave();
        assert_eq!(pending(place), 0, "it is struck off");

        fs::remove_dir_all(file.parent().unwrap()).unwrap();
        bench.come_back();
        assert_eq!(fs::read_to_string(&file).unwrap(), log, "with the other artifacts");
    });
}

fn database(place: &Place) -> rusqlite::Connection {
    let home = Home::at(place.path("orchestra-home"));
    let project = projects::list(&home).unwrap().first().unwrap().id.clone();
    rusqlite::Connection::open(home.state(&project).join("orchestra.db")).unwrap()
}

/// An effect whose transition was written, and that nobody lived to do.
fn owed(place: &Place, task: u32, effect: &str) {
    let sql = "INSERT INTO effects (task, key, json, created_at) VALUES (?1, 'log 0', ?2, '2026-01-02T03:04:05Z')";
    database(place).execute(sql, rusqlite::params![task, effect]).unwrap();
}

fn pending(place: &Place) -> u32 {
    database(place).query_row("SELECT count(*) FROM effects", [], |row| row.get(0)).unwrap()
}
