//! What agents hand in is checked by the stage, and what is wrong with it is told so that they can mend it.

use orchestra::model::{Request, State};

use crate::engine::Bench;
use crate::place::{Place, alone, executable};
use crate::repo::Repository;
use crate::{WILLING, artifact};

/// An agent of this name that is a shell script: its arguments are in `told.NAME`, what commands complain of in `refused`.
fn agent(place: &Place, repository: &Repository, name: &str, body: &str) {
    let told = place.path(&format!("told.{name}"));
    let refused = place.path("refused");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exit\nprintf '%s\\n' \"$@\" >'{}'\nexec 2>>'{}'\n{body}\n",
        told.display(),
        refused.display()
    );
    let script = place.write(&format!("{name}.sh"), &text);
    executable(&script);
    let line = format!("['{}', --model, '{{model}}', '{{prompt}}']", script.display());
    repository.agent(name, &format!("{{start: {line}, headless: {line}, conversation: none}}"));
}

/// R49, R73.
#[test]
fn a_text_is_held_against_its_schema_and_the_agent_told_what_to_mend() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let schema = r#"{"type": "object", "required": ["files"], "properties": {"files": {"type": "integer"}}}"#;
        repository.write(".orchestra/schemas/size.json", schema);
        let tries = ["many", r#"{"files": "3"}"#, "{}", r#"{"files": 3}"#];
        let tries = tries.map(|text| format!("echo '{text}' | orchestra submit; echo \"exit $?\" >&2"));
        agent(place, &repository, "counter", &tries.join("\n"));
        repository.flow(
            "counted",
            "{stages: [{name: count, artifact: size, agent: counter, mode: headless, schema_file: size.json}]}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "counted", "Count");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(task.iterations[0].reminders, 0, "it was told at once");
        assert_eq!(artifact(&repository, "fix-it", "size").trim(), r#"{"files": 3}"#);
        let refused = place.lines("refused");
        let exits: Vec<_> = refused.iter().filter(|line| line.starts_with("exit")).map(String::as_str).collect();
        assert_eq!(exits, ["exit 2", "exit 2", "exit 2", "exit 0"], "{refused:#?}");
        let said = refused.join("\n");
        for part in [
            "the text must be JSON by the schema size.json: expected value at line 1 column 1",
            "/files: \"3\" is not of type \"integer\"",
            "/: \"files\" is a required property",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let told = place.lines("told.counter").join("\n");
        assert!(
            told.contains(schema) && told.contains("with your JSON in place") && !told.contains("Markdown"),
            "{told}"
        );
    });
}

/// R49.
#[test]
fn each_stage_is_launched_with_its_own_agent_model_and_description() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        for name in ["thinker", "doer"] {
            agent(place, &repository, name, "echo done | orchestra submit");
        }
        repository.flow(
            "staffed",
            "{stages: [{name: plan, artifact: plan, agent: thinker, model: large, mode: headless, is_automated: true, description: Finds \
             a way}, {name: work, artifact: summary, agent: doer, model: small, mode: headless, description: Goes it}]}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "staffed", "Fix it");
        bench.reaches("fix-it", State::Approval);
        for (name, model, description) in [("thinker", "large", "Finds a way"), ("doer", "small", "Goes it")] {
            let told = place.lines(&format!("told.{name}"));
            assert_eq!(told[..2], ["--model", model], "{name}");
            let said = format!("What the flow says of this stage: {description}.");
            assert_eq!(told.iter().filter(|line| **line == said).count(), 1, "{told:#?}");
        }
    });
}

/// R78, R79.
#[test]
fn a_breakdown_is_refused_with_the_reason_until_it_can_be_made_and_then_follows_its_order() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let door = place.door("door");
        let item = |title: &str, more: &str| {
            format!(r#"{{"title": "{title}", "description": "{title} is there", "instructions": "", {more}}}"#)
        };
        let breakdown = |items: &[String]| {
            let json = format!(r#"{{"summary": "in pieces", "subtasks": [{}]}}"#, items.join(", "));
            format!("orchestra submit --subtasks - <<'EOF'\n{json}\nEOF")
        };
        let tries = [
            breakdown(&[item("Apples", r#""depends_on": [1]"#), item("Bananas", r#""depends_on": [0]"#)]),
            breakdown(&[item("Apples", r#""depends_on": [7]"#)]),
            breakdown(&[item("Apples", r#""flow": "pieces""#), item("Bananas", r#""depends_on": []"#)]),
            breakdown(&[
                item("Apples", r#""flow": "slow", "depends_on": []"#),
                item("Bananas", r#""depends_on": [0]"#),
                item("Cherries", r#""depends_on": []"#),
            ]),
        ];
        agent(place, &repository, "splitter", &tries.join("\n"));
        agent(place, &repository, "waiter", &format!("{}; echo waited | orchestra submit", door.wait()));
        agent(place, &repository, "quick", "echo done | orchestra submit");
        repository.flow(
            "big",
            "{stages: [{name: split, artifact: breakdown, agent: splitter, mode: headless, is_automated: true, capabilities: {subtasks: \
             {flow: piece}}}, {name: wrap, artifact: summary, agent: quick, mode: headless}]}",
        );
        for (flow, agent) in [("piece", "quick"), ("slow", "waiter")] {
            repository.flow(
                flow,
                &format!("{{stages: [{{name: work, artifact: summary, agent: {agent}, mode: headless, is_automated: true}}]}}"),
            );
        }
        let bench = Bench::open(place, &repository);
        bench.begin("big", "big", "The whole");
        let knock = door.reached();
        bench.reaches("cherries", State::Integrating);
        assert_eq!(bench.task("bananas").state, State::Waiting, "what it builds on is not there");
        let flows = ["apples", "bananas", "cherries"].map(|slug| bench.task(slug).flow.name.clone());
        assert_eq!(flows, ["slow", "piece", "piece"]);
        let refused = place.lines("refused").join("\n");
        for part in [
            "subtasks depend on one another in a circle: 0, 1",
            "subtask 0 depends on 7; there are 0 to 0, counted from 0",
            "there is no flow \"pieces\"; there are ",
        ] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        knock.open();
        bench.reaches("bananas", State::Merged);
        let (first, second) = (bench.task("apples"), bench.task("bananas"));
        let ended = |task: &orchestra::model::Task| task.iterations.last().unwrap().ended_at;
        assert!(ended(&first).unwrap() <= second.iterations[0].started_at.unwrap(), "in its order");
        bench.reaches("big", State::Approval);
        bench.ask("big", |project, task| Request::Approve { project, task });
    });
}
