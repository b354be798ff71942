//! What agents hand in and ask, and what a person does about it, with nothing but verbs.

use std::process::Stdio;

use crate::{Desk, WILLING, in_place};

/// Asks twice at once, and hands in what it was answered.
const ASKING: &str = "\
rules:
  - {when: 'answered your questions:\\n\\n> Which parser\\?\\n\\n(?<one>[^\\n]*)\\n\\n> And tests\\?\\n\\n(?<two>[^\\n]*)', steps: [{submit: '{one}, {two}'}]}
  - when: 'artifact `summary` by'
    steps:
      - {run: \"printf '%s' '{\\\"questions\\\": [{\\\"question\\\": \\\"Which parser?\\\", \\\"context\\\": \\\"There are two.\\\", \\\"options\\\": [{\\\"label\\\": \\\"old\\\"}, {\\\"label\\\": \\\"new\\\", \\\"description\\\": \\\"faster\\\"}]}, {\\\"question\\\": \\\"And tests?\\\"}]}' | orchestra submit --questions -\"}
otherwise: [{say: heard}]
";

fn started<'a>(place: &'a crate::place::Place, script: &str, until: &str) -> Desk<'a> {
    let desk = Desk::new(place, script);
    desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
    desk.done(&["wait", "fix-it", "--until", until, "--timeout", "60"]);
    desk
}

/// R67, R94, R98.
#[test]
fn questions_are_shown_and_answered() {
    in_place(|place| {
        let desk = started(place, ASKING, "asking");
        let shown = desk.shown(&["show", "fix-it"]);
        let asked = shown.split_once("asks; orchestra answer").unwrap().1.split_once("\n\nattempts").unwrap().0;
        insta::assert_snapshot!(asked, @"
         fix-it
          1. Which parser?
             There are two.
             1  old
             2  new  faster
          2. And tests?
        ");
        insta::assert_snapshot!(desk.shown(&["answer", "fix-it"]), @"
        stderr: ✗ fix-it asks; orchestra answer fix-it -a TEXT, once for each question, answers it:
        1. Which parser?
           There are two.
           1  old
           2  new  faster
        2. And tests?
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["answer", "fix-it", "the", "new", "one"]), @"
        stderr: ✗ 1 answer for 2 questions. Give -a TEXT once for each:
        1. Which parser?
        2. And tests?
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["answer", "fix-it", "--option", "3", "--option", "1"]), @"
        stderr: ✗ question 1 has options 1 to 2, not 3.
        exit 2
        ");
        assert_eq!(desk.json(&["show", "fix-it", "--json"])["task"]["questions"][0]["options"][1]["label"], "new");
        insta::assert_snapshot!(desk.shown(&["answer", "fix-it", "-a", "1", "-a", "no tests"]), @"answered fix-it; work goes on");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let history = desk.json(&["show", "fix-it", "--json"])["task"]["iterations"].clone();
        assert_eq!(history[0]["outcome"], "asked");
        assert_eq!(history[0]["questions"][0]["answers"], serde_json::json!(["old", "no tests"]));
        assert_eq!((&history[1]["trigger"], &history[1]["artifact"]), (&"answered".into(), &"summary".into()));
        assert_eq!(desk.repository.read(".orchestra/.artifacts/fix-it/summary.md").trim(), "old, no tests");
        insta::assert_snapshot!(desk.shown(&["answer", "fix-it", "late"]), @"
        stderr: ✗ fix-it asks nothing: it is approval.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["override", "fix-it"]), @"
        stderr: ✗ cannot override fix-it: it has no rejection to override
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["subtasks", "fix-it"]), @"
        stderr: ✗ no breakdown of fix-it waits: it is approval.
        exit 4
        ");
    });
}

#[test]
fn questions_are_answered_on_a_terminal() {
    in_place(|place| {
        let desk = started(place, ASKING, "asking");
        let mut terminal = desk.terminal(&["answer", "fix-it"], &[]);
        let screen = terminal.wait_for("2  new  faster");
        assert!(screen.contains("1. Which parser?") && !screen.contains("And tests?"), "{screen}");
        terminal.keys("7\r");
        terminal.wait_for("options 1 to 2, not 7");
        terminal.keys("2\r");
        terminal.wait_for("2. And tests?");
        terminal.keys("only small ones\r");
        let (code, text) = terminal.end();
        assert!(code == 0 && text.contains("answered fix-it"), "{code}: {text}");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        assert_eq!(desk.repository.read(".orchestra/.artifacts/fix-it/summary.md").trim(), "new, only small ones");
    });
}

/// Runs commands in its session, and tells of them in a file.
fn commands(lines: &[&str]) -> String {
    let told: Vec<_> = lines.iter().map(|line| format!("({line}; echo \"exit $?\") >>said.txt 2>&1")).collect();
    let steps = serde_json::json!(told.iter().map(|line| serde_json::json!({"run": line})).collect::<Vec<_>>());
    format!("rules:\n  - {{when: 'artifact `summary` by', steps: {steps}}}\notherwise: [{{say: heard}}]\n")
}

/// R70, R72, R74, R75, R76.
#[test]
fn an_agent_is_told_what_is_wrong_with_what_it_hands_in() {
    in_place(|place| {
        let script = commands(&[
            // From then on the engine knows the session: before, it takes what comes unchecked.
            "until orchestra rpc engine.info >/dev/null 2>&1; do :; done",
            "echo x | orchestra submit --verdict approve",
            "echo '{\"summary\": \"x\", \"subtasks\": []}' | orchestra submit --subtasks -",
            "echo '{\"questions\": [{\"qestion\": \"x\"}]}' | orchestra submit --questions -",
            "echo '{\"questions\": []}' | orchestra submit --questions -",
            "orchestra submit nowhere.md",
            "head -c 5300000 /dev/zero | orchestra submit",
            "printf ' ' | orchestra submit",
            "echo x | orchestra submit --to plan",
            "echo x | orchestra submit --resource spec",
            "echo x | orchestra submit --resource 'spec nowhere.md'",
            "echo x | orchestra submit --resource 'spec ftp://host/x'",
            "echo x | orchestra submit --resource 'spec ../../x'",
            "echo x | orchestra submit --log ''",
            "echo x | orchestra submit --log \"$(head -c 2001 /dev/zero | tr '\\0' x)\"",
            "orchestra submit --blocked x --failed y",
            "echo x | ORCHESTRA_SESSION_DIR=$ORCHESTRA_SESSION_DIR/old.box orchestra submit",
            "orchestra submit --blocked 'the server is down' --log 'Looked for it.' --resource 'status https://host/status is it up?'",
        ]);
        let desk = started(place, &script, "blocked");
        let said = desk.done(&["exec", "fix-it", "cat", "said.txt"]);
        insta::assert_snapshot!(said, @r#"
        exit 0
        ✗ this stage gives no verdict. Stage work ends with a text: orchestra submit
        exit 2
        ✗ this stage proposes no subtasks. Stage work ends with a text: orchestra submit
        exit 2
        ✗ the questions cannot be read: questions[0].qestion: unknown field `qestion`, expected one of `question`, `context`, `options` at line 1 column 25. {"questions": [{"question": "..", "options": [{"label": ".."}]}]}
        exit 2
        ✗ 1 to 20 questions at once, not 0.
        exit 2
        ✗ cannot read nowhere.md: No such file or directory (os error 2).
        exit 2
        ✗ standard input is larger than 5 MB. Submit a summary
        exit 2
        ✗ the text is empty. orchestra submit FILE, or pipe the text into it
        exit 2
        error: the following required arguments were not provided:
          --verdict <VERDICT>

        Usage: orchestra submit --verdict <VERDICT> --to <STAGE> [FILE]

        For more information, try '--help'.
        exit 2
        ✗ a resource has a name and a URL; "spec" is only one of them. orchestra submit --resource 'NAME URL [DESCRIPTION]'
        exit 2
        ✗ resource spec: cannot find nowhere.md: No such file or directory (os error 2). Make the file first, or give a URL (https://..)
        exit 2
        ✗ resource spec: "ftp://host/x" is neither http(s)://.. nor a path inside of the worktree. Give a URL, or commit the file and give its path from the worktree's root
        exit 2
        ✗ resource spec: cannot find ../../x: No such file or directory (os error 2). Make the file first, or give a URL (https://..)
        exit 2
        ✗ the log is empty. orchestra submit --log 'what you did'
        exit 2
        ✗ the log has 2001 characters, 2000 are the most. Say it shorter: the artifact has the details
        exit 2
        error: the argument '--blocked <TEXT>' cannot be used with '--failed <TEXT>'

        Usage: orchestra submit --blocked <TEXT> [FILE]

        For more information, try '--help'.
        exit 2
        ✗ this session of fix-it is over: nothing was handed in.
        exit 4
        noted. End your turn now; a person looks at it.
        exit 0
        "#);
        assert_eq!(desk.json(&["status", "fix-it", "--json"])["task"]["reason"]["text"], "the server is down");
        let shown = desk.shown(&["show", "fix-it"]);
        assert!(shown.contains("resources\n  status: https://host/status (is it up?)\n"), "{shown}");
        assert!(shown.contains("    > Looked for it.\n"), "{shown}");
        let outside = desk.piped(&["submit"], "text");
        insta::assert_snapshot!(outside.shown(), @"
        stderr: ✗ this is no session of a task. An agent runs `orchestra submit` inside the worktree that was made for it.
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["retry", "fix-it"]), @"fix-it tries again");
    });
}

/// R71.
#[test]
fn a_task_that_cannot_be_done_fails() {
    in_place(|place| {
        let desk = started(place, &commands(&["orchestra submit --failed 'a reviews table is missing'"]), "failed");
        let status = desk.done(&["status"]);
        assert!(status.contains("failed: agent") && status.contains("a reviews table is missing"), "{status}");
    });
}

/// R66.
#[test]
fn a_gate_runs_when_a_person_says_so() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "checked", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let status = desk.done(&["status", "fix-it"]);
        assert!(status.contains("work 2/2"), "{status}");
        insta::assert_snapshot!(desk.shown(&["gate", "fix-it", "--wait"]), @"the gate of fix-it passed: $PLACE/my-app/.orchestra/.logs/fix-it/work-2.log");
        desk.repository.script("checks.sh", "echo no; test -e fixed.txt");
        desk.done(&["trust", "--trust"]);
        let failed = desk.json(&["gate", "fix-it", "--wait", "--json"]);
        assert_eq!((failed["gate"]["exit"].as_i64(), failed["gate"]["attempt"].as_u64()), (Some(1), Some(1)));

        // One that does not come to its end says nothing of the run before it.
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let door = place.door("door");
        desk.repository.script("checks.sh", &door.wait());
        desk.done(&["trust", "--trust"]);
        let mut waiting = desk.command(&["gate", "fix-it", "--wait", "--json"]);
        let waiting = waiting.stdout(Stdio::piped()).spawn().unwrap();
        let _knock = door.reached();
        desk.done(&["stop", "fix-it"]);
        let ran = desk.ran(&waiting.wait_with_output().unwrap());
        assert!(ran.code == 1 && ran.raw.contains(r#""gate":null"#), "{ran:?}");

        desk.done(&["new", "draft", "-d", "Later"]);
        insta::assert_snapshot!(desk.shown(&["gate", "draft"]), @"
        stderr: ✗ cannot run the gate of draft: it is a draft; orchestra start draft starts it
        exit 4
        ");
    });
}

#[test]
fn the_prompt_is_what_is_sent() {
    in_place(|place| {
        let desk = started(place, WILLING, "approval");
        let sent = desk.repository.read(".orchestra/.logs/fix-it/work-1.prompt.md");
        assert_eq!(desk.run(&["prompt", "fix-it"]).raw.trim_end(), sent.trim_end());
        assert_eq!(desk.json(&["prompt", "fix-it", "--stage", "work", "--json"])["text"], sent);
        insta::assert_snapshot!(desk.shown(&["prompt", "fix-it", "--stage", "wrok"]), @r#"
        stderr: ✗ there is no stage "wrok"; the flow has work.
        exit 3
        "#);
    });
}

/// R94.
#[test]
fn a_rejection_can_begin_a_new_conversation() {
    in_place(|place| {
        let desk = started(place, WILLING, "approval");
        let conversation = || desk.json(&["show", "fix-it", "--json"])["task"]["conversation"].clone();
        let before = conversation();
        insta::assert_snapshot!(desk.shown(&["reject", "fix-it", "once more", "--fresh"]), @"rejected fix-it; work begins again with a fresh conversation");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        assert_ne!(conversation(), before);
    });
}

/// R77, R85.
#[test]
fn tasks_belong_to_others_and_wait_for_others() {
    in_place(|place| {
        let desk = started(place, WILLING, "approval");
        desk.done(&["new", "part", "-d", "A part", "--flow", "quick", "--parent", "fix-it"]);
        insta::assert_snapshot!(desk.shown(&["new", "later", "-d", "Afterwards", "--flow", "quick", "--after", "fix-it", "--start"]), @"later starts once fix-it is merged");
        let of = |slug: &str| desk.json(&["status", slug, "--json"])["task"].clone();
        assert_eq!((&of("part")["parent"], &of("part")["base_branch"]), (&"fix-it".into(), &"task/fix-it".into()));
        assert_eq!(of("fix-it")["children"], serde_json::json!(["part"]));
        assert_eq!((&of("later")["after"][0], &of("later")["state"]), (&"fix-it".into(), &"waiting".into()));
        insta::assert_snapshot!(desk.shown(&["status", "later"]), @"  · later  waits   now    for fix-it");
        let status = desk.done(&["status"]);
        let rows: Vec<_> = status.lines().filter(|line| line.contains("fix-it") || line.contains("part")).collect();
        assert!(rows[0].starts_with("  ◆ fix-it") && rows[1].starts_with("    · part"), "{status}");
        desk.done(&["approve", "fix-it"]);
        desk.done(&["delete", "part", "-y"]);
        desk.done(&["merge", "fix-it", "-y"]);
        desk.done(&["wait", "later", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["new", "x", "-d", "x", "--after", "nobody"]), @r#"
        stderr: ✗ there is no task "nobody" in my-app. All of them: orchestra status
        exit 3
        "#);
    });
}

#[test]
fn a_run_script_has_the_terminal() {
    in_place(|place| {
        let desk = started(place, WILLING, "approval");
        insta::assert_snapshot!(desk.shown(&["run", "fix-it", "--detach"]), @"
        stderr: ✗ there is no $PLACE/my-app/.orchestra/scripts/run.sh. Write what starts the program there
        exit 3
        ");
        let door = place.door("door");
        desk.repository.script("run.sh", &format!("echo \"serving $ORCHESTRA_TASK_SLUG\"; {}; exit 7", door.wait()));
        insta::assert_snapshot!(desk.shown(&["run", "fix-it"]), @"
        stderr: ✗ attaching needs a terminal on standard input and output. --detach starts it without one.
        exit 4
        ");
        desk.done(&["trust", "--trust"]);
        insta::assert_snapshot!(desk.shown(&["run", "fix-it", "--detach"]), @"fix-it.run runs; orchestra run fix-it shows it");
        let terminal = desk.terminal(&["run", "fix-it"], &[]);
        terminal.wait_for("serving fix-it");
        door.reached().open();
        let (code, text) = terminal.end();
        assert!(code == 7 && text.contains("fix-it.run has ended, exit code 7"), "{code}: {text}");
        let ended = desk.run(&["rpc", "session.attach", r#"{"session": "fix-it.run", "rows": 9, "cols": 9}"#]);
        assert!(ended.code == 4 && ended.err.contains("orchestra run fix-it starts it"), "{ended:?}");

        // One that ends before its screen can be shown.
        desk.repository.script("run.sh", "echo gone; exit 3");
        desk.done(&["trust", "--trust"]);
        let (code, text) = desk.terminal(&["run", "fix-it"], &[]).end();
        assert!(code == 3 && text.contains("gone") && text.contains("has ended, exit code 3"), "{code}: {text}");
    });
}

#[test]
fn templates_preset_what_a_task_has() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        insta::assert_snapshot!(desk.shown(&["templates"]), @"no templates yet. $PLACE/my-app/.orchestra/templates/NAME.md is one");
        let text = "---\ntitle: A bug\nflow: quick\nauto: true\n---\n# Bug\n\n{{description}}\n\nAdd a test.\n";
        desk.repository.write(".orchestra/templates/bug.md", text);
        desk.repository.write(".orchestra/templates/docs.md", "Look through the docs.\n");
        insta::assert_snapshot!(desk.shown(&["templates"]), @"
        bug   A bug   flow quick, auto
        docs  Look through the docs.
        ");
        desk.done(&["new", "one", "--template", "bug", "-d", "It drops a line."]);
        let one = desk.json(&["show", "one", "--json"])["task"].clone();
        assert_eq!(one["description"].as_str().unwrap().trim(), "# Bug\n\nIt drops a line.\n\nAdd a test.");
        assert_eq!((&one["title"], &one["flow"], &one["auto"]), (&"A bug".into(), &"quick".into(), &true.into()));
        desk.done(&["new", "two", "--template", "docs", "--flow", "checked"]);
        let two = desk.json(&["show", "two", "--json"])["task"].clone();
        assert_eq!(
            (two["description"].as_str().unwrap().trim(), &two["flow"]),
            ("Look through the docs.", &"checked".into())
        );
        assert_eq!(desk.run(&["new", "--template", "bug"]).code, 4, "it needs a description");
        desk.repository.write(".orchestra/templates/bad.md", "---\nflwo: quick\n---\n");
        insta::assert_snapshot!(desk.shown(&["new", "--template", "bad", "-d", "x"]), @r#"
        stderr: ✗ $PLACE/my-app/.orchestra/templates/bad.md: line 2, column 1: unknown key in a template's header "flwo", did you mean "flow"?.
        exit 1
        "#);
        insta::assert_snapshot!(desk.shown(&["new", "--template", "none", "-d", "x"]), @r#"
        stderr: ✗ there is no template "none" in $PLACE/my-app/.orchestra/templates. orchestra templates lists them
        exit 3
        "#);
        assert_eq!(desk.run(&["templates"]).code, 1, "one of them is broken");
    });
}

/// A stage that judges the one before it.
const JUDGED: &str = "{stages: [{name: work, artifact: summary, is_automated: true}, {name: review, artifact: verdict, capabilities: {approval: {rejection_stage: work}}}], integration: {auto_merge: false}}";

/// R63, R64.
#[test]
fn a_rejection_is_confirmed_or_overridden() {
    in_place(|place| {
        let script = "\
rules:
  - {when: 'artifact `summary` by', steps: [{submit: the summary}]}
  - {when: 'rejected it', steps: [{submit: mended}]}
  - {when: 'artifact `verdict`', steps: [{run: \"printf 'no tests\\\\n- write some' | orchestra submit --verdict reject\"}]}
otherwise: [{say: heard}]
";
        let desk = Desk::untrusted(place, script);
        desk.repository.flow("judged", JUDGED);
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "judged", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "verdict", "--timeout", "60"]);
        let shown = desk.done(&["show", "fix-it"]);
        let told = "verdict; orchestra approve fix-it sends it back, orchestra override fix-it goes on\n  rejects, back to work: no tests\n  - write some\n";
        assert!(shown.contains(told), "{shown}");
        let detail = desk.json(&["show", "fix-it", "--json"])["task"].clone();
        assert_eq!(
            (&detail["verdict"]["decision"], &detail["verdict"]["route_to"]),
            (&"reject".into(), &"work".into())
        );
        desk.done(&["approve", "fix-it"]);
        desk.done(&["wait", "fix-it", "--until", "working", "--timeout", "60"]);
        desk.done(&["wait", "fix-it", "--until", "verdict", "--timeout", "60"]);
        let trigger = |at: usize| desk.json(&["show", "fix-it", "--json"])["task"]["iterations"][at]["trigger"].clone();
        assert_eq!((trigger(2), trigger(3)), ("verdict".into(), "flow".into()));
        insta::assert_snapshot!(desk.shown(&["override", "fix-it"]), @"overrode the rejection; fix-it is done");
        let played = desk.run(&["play", "Fix it too", "--flow", "judged", "--no-auto", "--timeout", "120"]);
        assert!(played.code == 4 && played.out.contains("review 2/2 rejects, back to work"), "{played:?}");
        assert!(played.err.contains("sends it back"), "{played:?}");
    });
}

/// R69, R79, R83.
#[test]
fn a_breakdown_is_looked_at_changed_and_made() {
    in_place(|place| {
        let breakdown = serde_json::json!({"summary": "Three parts", "subtasks": [
            {"title": "First", "description": "The first part.\nWith two lines.", "instructions": "Begin.", "depends_on": []},
            {"title": "Second", "description": "The second part.", "instructions": "Go on.", "depends_on": [0]},
            {"title": "Third", "description": "The third part.", "instructions": "End.", "depends_on": [0, 1]},
        ]});
        let file = place.write("breakdown.json", &breakdown.to_string());
        let script = format!(
            "rules:\n  - {{when: 'artifact `breakdown`', steps: [{{run: \"orchestra submit --subtasks '{}'\"}}]}}\notherwise: [{{say: heard}}]\n",
            file.display()
        );
        let desk = Desk::untrusted(place, &script);
        desk.repository.flow(
            "split",
            "{stages: [{name: take-apart, artifact: breakdown, capabilities: {subtasks: {flow: quick}}}], integration: {auto_merge: false}}",
        );
        desk.done(&["trust", "--trust"]);
        desk.done(&["new", "big", "-d", "A big one", "--flow", "split", "--start"]);
        desk.done(&["wait", "big", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["subtasks", "big"]), @"
        3 subtasks of big wait for your approval

        1. First
           The first part.
           With two lines.
           Begin.

        2. Second   after 1
           The second part.
           Go on.

        3. Third   after 1, 2
           The third part.
           End.
        ");
        // An editor that drops the second one and gives the third another title.
        let editor = place.write(
            "editor.sh",
            "awk '/^- id: 2/ {skip=1} /^- id: 3/ {skip=0} !skip' \"$1\" | sed 's/Third/Last/' >\"$1.new\" && mv \"$1.new\" \"$1\"\n",
        );
        let editor = format!("sh '{}'", editor.display());
        let (code, text) = desk.terminal(&["subtasks", "big", "--edit"], &[("EDITOR", &editor)]).end();
        assert!(code == 0 && text.contains("big has 2 subtasks"), "{code}: {text}");
        let rows = desk.json(&["subtasks", "big", "--json"])["subtasks"].clone();
        assert_eq!((&rows[1]["title"], &rows[1]["after"]), (&"Last".into(), &serde_json::json!([1])));
        let circle = "subtasks:\n- {title: a, description: b, after: [2]}\n- {title: c, description: d, after: [1]}\n";
        let refused = desk.piped(&["subtasks", "big", "--file", "-"], circle);
        assert!(refused.code == 2 && refused.err.contains("in a circle"), "{refused:?}");
        let (code, text) = desk.terminal(&["subtasks", "big", "--edit"], &[("EDITOR", "echo 'no: list' >")]).end();
        assert!(code == 2 && text.contains("Your text is in"), "{code}: {text}");
        desk.done(&["approve", "big"]);
        desk.done(&["wait", "big", "--until", "children", "--timeout", "60"]);
        let status = desk.done(&["status"]);
        let at = status.lines().position(|line| line.contains(" big ")).unwrap();
        assert!(status.lines().skip(at + 1).take(2).all(|line| line.starts_with("    ")), "{status}");
        assert_eq!(desk.json(&["status", "big", "--json"])["task"]["children"].as_array().unwrap().len(), 2);
    });
}
