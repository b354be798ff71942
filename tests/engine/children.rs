//! Subtasks on their way into their parent's branch, which is checked out in the parent's worktree.

use orchestra::model::{DeleteScope, Request, State, Trigger};

use crate::engine::Bench;
use crate::place::{Place, alone, executable};
use crate::repo::Repository;

/// A project whose flow `big` takes a task apart in two, and wraps it up. `script`: what the agents of the two do.
fn project(place: &Place, script: &str) -> Repository {
    let wrap =
        "rules:\n  - {when: 'Wrap this up', steps: [{write: {path: whole.txt, text: whole}}, {submit: wrapped}]}\n";
    let repository = Repository::new(place, &format!("{wrap}{script}otherwise: []\n"));
    let item = |title: &str, name: &str| {
        format!(
            "{{\"title\": \"{title}\", \"description\": \"PIECE-{name}\", \"instructions\": \"Go.\", \"depends_on\": []}}"
        )
    };
    let json =
        format!("{{\"summary\": \"in two\", \"subtasks\": [{}, {}]}}", item("Apples", "a"), item("Bananas", "b"));
    let split = place
        .write("split.sh", &format!("#!/bin/sh\necho four >>app.txt\necho note >note.txt\ncat <<'EOF'\n{json}\nEOF\n"));
    executable(&split);
    repository.agent("splitter", &format!("{{start: ['{}', '{{prompt}}'], artifact: stdout}}", split.display()));
    repository.flow(
        "big",
        "{stages: [{name: split, artifact: breakdown, mode: headless, agent: splitter, is_automated: true, capabilities: \
         {subtasks: {flow: piece}}}, {name: wrap, artifact: summary}]}",
    );
    repository.flow(
        "piece",
        "{stages: [{name: work, artifact: summary, is_automated: true, gate: 'echo $ORCHESTRA_PARENT_ID $ORKESTRA_PARENT_ID'}], \
         integration: {on_failure: work, auto_merge: true}}",
    );
    repository
}

/// R45, R58, R77, R78, R79, R80, R81.
#[test]
fn pieces_merge_into_the_parents_worktree_in_their_order() {
    alone(|place| {
        let door = place.door("door");
        let script = format!(
            "  - {{when: 'PIECE-a', steps: [{{run: \"{}\"}}, {{write: {{path: a.txt, text: a}}}}, {{submit: did a}}]}}\n  - {{when: \
             'PIECE-b', steps: [{{write: {{path: b.txt, text: b}}}}, {{submit: did b}}]}}\n",
            door.wait()
        );
        let repository = project(place, &script);
        let bench = Bench::open(place, &repository);
        bench.begin("big", "big", "# The whole\n\nWrap this up.");
        let knock = door.reached();
        let waits = bench.task_when("bananas", "waits its turn", |view| view.task.state == State::Integrating);
        let first = bench.task("apples");
        assert_eq!(waits.behind.as_ref(), Some(&first.slug), "the second piece says for whom it waits");
        let line = waits.monitor.as_ref().map_or("", |line| line.text.as_str());
        assert_eq!(line, "waits for apples, then goes into task/big");
        let worktree = bench.worktree("bananas");
        let refused = bench.try_ask("big", |project, task| Request::Delete { project, task, scope: DeleteScope::All });
        assert!(refused.unwrap_err().message.contains("its subtasks are open: apples, bananas"));
        knock.open();
        bench.reaches("apples", State::Merged);
        bench.reaches("bananas", State::Merged);
        bench.reaches("big", State::Approval);
        let gate = bench.task("apples").iterations.last().and_then(|iteration| iteration.gate.clone()).unwrap();
        assert_eq!(gate.text.trim(), "1 big", "a gate knows whose part it checks");
        let subjects = repository.git(&["log", "--format=%s", "main..task/big"]);
        assert_eq!(
            subjects, "Bananas\nApples\nThe whole",
            "the parent's leftovers first, then the pieces in their order"
        );
        let parent = bench.worktree("big");
        for (file, text) in
            [("a.txt", "a"), ("b.txt", "b"), ("app.txt", "one\ntwo\nthree\nfour\n"), ("note.txt", "note\n")]
        {
            assert_eq!(std::fs::read_to_string(parent.join(file)).unwrap(), text, "{file}");
        }
        assert_eq!(repository.show("main", "app.txt"), "one\ntwo\nthree", "the base of the whole waits for the whole");
        bench.wait("the piece's worktree to be gone", |_| (!worktree.exists()).then_some(()));
    });
}

/// R80, R141.
#[test]
fn a_conflict_between_pieces_goes_to_the_later_one_with_both_sides_named() {
    alone(|place| {
        let script = "  - when: 'could not be integrated'\n    steps:\n      - run: \"git commit -qam mine; git rebase -q task/big; printf \
                      'one\\nboth\\nthree\\nfour\\n' >app.txt; git add app.txt; GIT_EDITOR=true git rebase --continue\"\n      - submit: \
                      both\n  - {when: 'PIECE-a', steps: [{edit: {path: app.txt, old: two, new: of a}}, {submit: A became of a}]}\n  \
                      - {when: 'PIECE-b', steps: [{edit: {path: app.txt, old: two, new: of b}}, {submit: B became of b}]}\n";
        let repository = project(place, script);
        let bench = Bench::open(place, &repository);
        bench.begin("big", "big", "# The whole\n\nWrap this up.");
        bench.reaches("big", State::Approval);
        assert_eq!(bench.task("apples").iterations.len(), 1, "the first one meets no conflict");
        let later = bench.task("bananas");
        let Trigger::Integration { text } = &later.iterations[1].trigger else { panic!("{:?}", later.iterations) };
        for part in ["app.txt", "Apples (task apples)", "A became of a", "B became of b"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let parent = bench.worktree("big");
        assert_eq!(std::fs::read_to_string(parent.join("app.txt")).unwrap(), "one\nboth\nthree\nfour\n");
    });
}
