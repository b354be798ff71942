//! A task from its description to merged code, with nothing but verbs.

use crate::{Desk, WILLING, in_place};

/// R138.
#[test]
fn a_task_is_merged_into_another_branch_than_its_base() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.repository.git(&["branch", "release"]);
        desk.repository.commit("newer.txt", "newer\n");
        let base = desk.repository.commit_of("main");
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        desk.done(&["approve", "fix-it"]);
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it", "--into", "relaese", "-y"]), @r#"
        stderr: ✗ there is no branch "relaese" in my-app. git branch lists them
        exit 3
        "#);
        let facts = desk.json(&["merge", "fix-it", "--into", "release", "--facts", "--json"])["merge"].clone();
        assert_eq!((&facts["base"], &facts["ahead"]), (&"release".into(), &0.into()), "its work is not committed yet");
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it", "--into", "release", "-y"]), @"merged fix-it into release");
        assert_eq!(desk.repository.commit_of("main"), base);
        assert_eq!(desk.repository.git(&["diff", "--name-only", "main~1", "release"]), "work.txt");
        assert_eq!(desk.repository.git(&["log", "--format=%s", "main~1..release"]), "fix-it");
        let told = desk.shown(&["merge", "fix-it", "--into", "main"]);
        assert!(told.contains("fix-it is merged, not done"), "{told}");
    });
}

/// R47, R94, R138, R140.
#[test]
fn a_task_from_a_draft_to_merged_code() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        insta::assert_snapshot!(desk.shown(&["status"]), @r"
        my-app
          no tasks yet. orchestra new -d TEXT makes one
        ");
        let text = "# Fix the tests\n\nAll of them.";
        insta::assert_snapshot!(desk.shown(&["new", "fix-it", "-d", text, "--flow", "quick"]), @"kept fix-it as a draft; orchestra start fix-it starts it");
        insta::assert_snapshot!(desk.shown(&["status"]), @r"
        my-app
        Draft
          · fix-it     now
        ");
        insta::assert_snapshot!(desk.shown(&["spec", "fix-it"]), @r"
        # Fix the tests

        All of them.
        ");
        insta::assert_snapshot!(desk.shown(&["path", "fix-it"]), @r"
        stderr: ✗ fix-it has no worktree (draft). orchestra start fix-it makes it.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["start", "fix-it"]), @"started fix-it on task/fix-it");
        insta::assert_snapshot!(desk.shown(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]), @"fix-it has come to approval");
        insta::assert_snapshot!(desk.shown(&["status"]), @r"
        my-app   1 need you
        Needs you
          ◆ fix-it «  review   now  +1 0
        ");
        insta::assert_snapshot!(desk.shown(&["status", "fix-it"]), @"  ◆ fix-it «  review   now  +1 0");
        insta::assert_snapshot!(desk.shown(&["show", "fix-it"]), @r"
        ◆ fix-it   Fix the tests
        state         approval (idle), now
        flow          quick, work 1/1
        agent         scripted, permissions edits
        branch        task/fix-it, 0 commits ahead of main
        diff          1 file  +1 0
        worktree      $PLACE/orchestra-home/worktrees/my-app-ID/fix-it
        conversation  UUID
        summary 1     $PLACE/my-app/.orchestra/.artifacts/fix-it/history/work-1.md

        attempts
          work 1   goes on
            prompt: $PLACE/my-app/.orchestra/.logs/fix-it/work-1.prompt.md

        description
          # Fix the tests

          All of them.
        ");
        insta::assert_snapshot!(desk.shown(&["diff", "fix-it"]), @r"
        diff --git a/work.txt b/work.txt
        new file
        --- /dev/null
        +++ b/work.txt
        @@ -0,0 +1,1 @@
        +work
        ");
        insta::assert_snapshot!(desk.shown(&["diff", "fix-it", "--stat"]), @r"
        ?       +1       0  work.txt
        1 file  +1 0
        ");
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it", "--facts"]), @r"
        branch        task/fix-it   0 commits   1 file  +1 0
        base          main, the branch has all of it
        strategy      rebase, then fast-forward
        uncommitted   1 file, committed first
        prediction    no conflict predicted
        refused       fix-it is approval, not done.
        ");
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it"]), @r"
        stderr: ✗ fix-it is approval, not done.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["reject", "fix-it", "one more file"]), @"rejected fix-it; work goes on");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["review", "fix-it"]), @"fix-it is reviewed; orchestra merge fix-it merges it");
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it"]), @r"
        stderr: ✗ Merge fix-it? There is nobody to ask. -y answers yes; nothing was changed.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["merge", "fix-it", "-y"]), @"merged fix-it into main");
        let status = desk.done(&["status"]);
        assert!(status.starts_with("my-app\nClosed\n  ■ fix-it «  merged"), "{status}");
        assert_eq!(desk.repository.show("main", "again.txt"), "again");
    });
}

/// R93, R95.
#[test]
fn the_way_of_a_flow_is_in_the_person_s_hands() {
    in_place(|place| {
        let desk = Desk::new(place, "rules: []\notherwise: [{say: waiting}]\n");
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "checked", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "working", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["trak", "auto", "fix-it", "on"]), @"auto is on for fix-it");
        insta::assert_snapshot!(desk.shown(&["task", "auto", "fix-it", "off"]), @"auto is off for fix-it");
        insta::assert_snapshot!(desk.shown(&["skip", "fix-it"]), @"skipped a stage of fix-it; work is next");
        insta::assert_snapshot!(desk.shown(&["send-to-stage", "fix-it", "plan", "-m", "think again"]), @"sent fix-it to plan");
        insta::assert_snapshot!(desk.shown(&["send-to-stage", "fix-it", "nowhere"]), @r#"
        stderr: ✗ there is no stage "nowhere"; the flow has plan, work
        exit 4
        "#);
        insta::assert_snapshot!(desk.shown(&["restart", "fix-it"]), @"fix-it begins plan again with a fresh conversation");
        insta::assert_snapshot!(desk.shown(&["retry", "fix-it"]), @r"
        stderr: ✗ cannot retry fix-it: it is working. orchestra restart begins its stage again.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["stop", "fix-it"]), @"stopped fix-it; orchestra start fix-it goes on with the same conversation");
        insta::assert_snapshot!(desk.shown(&["unread", "fix-it"]), @"fix-it is unread");
        insta::assert_snapshot!(desk.shown(&["status"]), @r"
        my-app   1 need you
        Needs you
          ‖ fix-it «  paused   now    plan 1/2, attempt 3, stopped by a person
        ");
        insta::assert_snapshot!(desk.shown(&["unread", "fix-it", "--read"]), @"fix-it is read");
        insta::assert_snapshot!(desk.shown(&["set-status", "fix-it", "reviewed"]), @r"
        stderr: ✗ the status reviewed cannot be set by hand. running and completed can
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["complete", "fix-it"]), @r"
        stderr: ✗ cannot complete fix-it: it is paused
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["archive", "fix-it"]), @"archived fix-it; its branch task/fix-it stays");
        insta::assert_snapshot!(desk.shown(&["status"]), @r"
        my-app
        Closed
          ■ fix-it  archived   now
        ");
    });
}

#[test]
fn a_delete_shows_what_would_go_and_asks() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["delete", "fix-it"]), @r"
        stderr: ✗ Delete fix-it? There is nobody to ask. -y answers yes; nothing was changed.
        exit 4
        ");
        let mut terminal = desk.terminal(&["delete", "fix-it"], &[]);
        let screen = terminal.wait_for("Delete fix-it? [y/w/N]");
        assert!(screen.contains("work.txt") && screen.contains("kept for 30 days"), "{screen}");
        terminal.keys("\r");
        let (code, text) = terminal.end();
        assert!(code == 1 && text.contains("kept fix-it as it is"), "{code}: {text}");
        insta::assert_snapshot!(desk.shown(&["delete", "fix-it", "-y"]), @"deleted fix-it; the trash keeps it for 30 days");
        insta::assert_snapshot!(desk.shown(&["show", "fix-it"]), @r#"
        stderr: ✗ there is no task "fix-it" in my-app. All of them: orchestra status
        exit 3
        "#);
        assert_eq!(desk.repository.trash().len(), 1);
    });
}
