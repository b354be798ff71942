//! Where the description of a new task comes from.

use crate::place::executable;
use crate::{Desk, WILLING, in_place};

/// An editor that does what `body` says with the file `$1`.
fn editor(desk: &Desk<'_>, body: &str) -> String {
    let path = desk.place.write("editor.sh", &format!("#!/bin/sh\n{body}\n"));
    executable(&path);
    path.to_str().unwrap().to_owned()
}

#[test]
fn texts_files_and_pipes() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let spec = |slug: &str| desk.done(&["spec", slug]);
        desk.done(&["new", "one", "-d", "# One\n\nText"]);
        assert_eq!(spec("one"), "# One\n\nText\n");
        let issue = place.write("issue.md", "From a file\n");
        desk.done(&["new", "two", "--file", issue.to_str().unwrap()]);
        assert_eq!(spec("two"), "From a file\n");
        assert_eq!(desk.piped(&["new", "three", "-"], "From a pipe\n").code, 0);
        assert_eq!(spec("three"), "From a pipe\n");
        assert_eq!(desk.piped(&["new", "-"], "From a pipe, no name\n").code, 0);
        desk.done(&["new", "four", "-t", "A title: it is", "--no-edit"]);
        assert_eq!(spec("four"), "A title: it is\n");
        let four = desk.json(&["show", "four", "--json"]);
        assert_eq!(four["task"]["title"], "A title: it is");
        desk.done(&[
            "new", "five", "-d", "Text", "--agent", "scripted", "--model", "small", "--auto", "--base", "main",
        ]);
        let five = desk.json(&["show", "five", "--json"]);
        assert_eq!((&five["task"]["model"], &five["task"]["auto"]), (&"small".into(), &true.into()));
        insta::assert_snapshot!(desk.shown(&["new", "UPPER", "-d", "Text"]), @r"
        kept upper as a draft; orchestra start upper starts it
        stderr: the slug is upper, in lower case
        ");
        insta::assert_snapshot!(desk.shown(&["new", "six", "--file", "/nowhere"]), @r"
        stderr: ✗ cannot read /nowhere: No such file or directory (os error 2).
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["new", "six", "-d", " "]), @r"
        stderr: ✗ a task needs a description. -d TEXT gives one.
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["new", "six", "--no-edit"]), @r"
        stderr: ✗ a task needs a description. -d TEXT gives one.
        exit 2
        ");
        assert_eq!(desk.json(&["status", "--json"])["tasks"].as_array().unwrap().len(), 7);
    });
}

#[test]
fn the_editor_gets_a_template_that_explains_itself() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let seen = place.path("seen.md");
        let body = format!(
            "cp \"$1\" '{}'; printf '# Fix the tests\\n\\nAll of them.\\n' | cat - \"$1\" >\"$1.new\"; mv \"$1.new\" \"$1\"",
            seen.display()
        );
        let editor = editor(&desk, &body);
        let (code, text) = desk.terminal(&["new", "fix-it"], &[("EDITOR", &editor)]).end();
        assert!(code == 0 && text.contains("kept fix-it as a draft"), "{code}: {text}");
        insta::assert_snapshot!(std::fs::read_to_string(&seen).unwrap(), @r##"
        # ------------------------ >8 ------------------------
        # Write above this line what is to be done: what is wrong, what there should be,
        # and how to tell that it is done. All below the line is left out. It is kept as a draft.
        # A first line "# Title" gives the title. An empty text makes no task.
        #
        # slug   fix-it
        # base   the branch that is checked out
        # flow   the project's
        # agent  the project's
        "##);
        assert_eq!(desk.done(&["spec", "fix-it"]), "# Fix the tests\n\nAll of them.\n");
        assert_eq!(desk.json(&["show", "fix-it", "--json"])["task"]["title"], "Fix the tests");
        // A draft has no branch yet, so it is refused once it is written.
        let (code, text) = desk.terminal(&["new", "part", "--parent", "fix-it"], &[("EDITOR", &editor)]).end();
        let sheet = std::fs::read_to_string(&seen).unwrap();
        assert!(sheet.contains("# base   fix-it's branch\n"), "{code}: {text} {sheet}");
    });
}

#[test]
fn an_empty_text_or_a_failing_editor_makes_no_task() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        for (body, word) in [("exit 0", "the description is empty. No task was made"), ("exit 3", "the editor failed")]
        {
            let editor = editor(&desk, body);
            let (code, text) = desk.terminal(&["new", "fix-it"], &[("VISUAL", &editor), ("EDITOR", "false")]).end();
            assert!(code == 1 && text.contains(word), "{code}: {text}");
        }
        assert!(desk.json(&["status", "--json"])["tasks"].as_array().unwrap().is_empty());
    });
}

#[test]
fn edit_opens_the_task_file() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        let editor = editor(&desk, "echo 'And more' >>\"$1\"");
        assert_eq!(desk.terminal(&["edit", "fix-it"], &[("EDITOR", &editor)]).end().0, 0);
        let path = desk.done(&["spec", "fix-it", "--path"]);
        assert_eq!(path, "$PLACE/my-app/.orchestra/tasks/1:fix-it.md\n");
        assert!(desk.repository.read(".orchestra/tasks/1:fix-it.md").ends_with("And more\n"));
    });
}
