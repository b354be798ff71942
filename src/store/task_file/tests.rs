use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::paths::Folder;
use super::*;

fn read(text: &str) -> Result<TaskFile, TaskFileError> {
    parse(Path::new("/t/42:fix-tests.md"), text.as_bytes().to_vec())
}

fn edit(text: &str, changes: &[Change]) -> String {
    header::edit(text, changes).unwrap()
}

fn tasks() -> (TempDir, TaskFolder, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::of(dir.path());
    fs::create_dir_all(folder.tasks()).unwrap();
    let tasks = folder.tasks();
    (dir, TaskFolder::new(folder), tasks)
}

const EXAMPLE: &str = "---\nbase_branch: main\nstatus: draft\n---\n\nAnalyse the errors.\n";

#[test]
fn the_example_of_the_product() {
    let file = read(EXAMPLE).unwrap();
    assert_eq!((file.id, file.slug.as_str()), (TaskId(42), "fix-tests"));
    assert_eq!((file.header.base_branch.as_deref(), file.header.status), (Some("main"), Some(Status::Draft)));
    assert_eq!((file.body.as_str(), file.title(), file.text.as_str()), ("Analyse the errors.", "fix-tests", EXAMPLE));
    assert_eq!(edit(EXAMPLE, &[Change::status(Status::Running)]), EXAMPLE.replace("draft", "running"));
}

#[test]
fn titles_come_from_header_heading_or_slug() {
    assert_eq!(read("---\ntitle: 42\n---\n# Other\n").unwrap().title(), "42");
    assert_eq!(read("#hashtag\n\n## The heading \r\ntext").unwrap().title(), "The heading");
    assert_eq!(read("").unwrap().title(), "fix-tests");
}

#[test]
fn all_keys_are_read() {
    let file = read(
        "---\nparent: 7\nafter: [3, one]\nauto: true\nflow: quick\nagent: demo\nmodel: 4.5\nmerged: 2026-01-01\nextra: [1]\narchived:\n---\n",
    );
    let header = file.unwrap().header;
    assert_eq!((header.parent.as_deref(), header.auto), (Some("7"), Some(true)));
    assert_eq!((header.agent.as_deref(), header.model.as_deref()), (Some("demo"), Some("4.5")));
    assert_eq!(header.after, ["3", "one"]);
    assert_eq!((header.merged.as_deref(), header.archived), (Some("2026-01-01"), None));
    assert_eq!(read("---\nafter: one\n---\n").unwrap().header.after, ["one"]);
}

#[test]
fn fault_v4_a_bad_header_names_its_line() {
    for (text, place) in [
        ("---\nstatus: drafft\n---\n", (2, 9)),
        ("---\ntitle: x\nauto: maybe\n---\n", (3, 7)),
        ("---\ntitle: [x]\n---\n", (2, 8)),
        ("---\na: 1\na: 2\n---\n", (3, 1)),
        ("---\na: b: c\n---\n", (2, 5)),
        ("---\n- x\n---\n", (2, 1)),
        ("---\nstatus: draft\n", (1, 1)),
    ] {
        match read(text) {
            Err(TaskFileError::Header { line, column, .. }) => assert_eq!((line, column), place, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn fault_v2_only_good_files_load_and_bad_ones_say_why() {
    let (_dir, folder, tasks) = tasks();
    let put = |name: &str, bytes: &[u8]| fs::write(tasks.join(name), bytes).unwrap();
    for name in ["0:zero.md", "01:lead.md", "1000000000:big.md", "9:BAD.md", "8:.md", "7.md", "5:main.md"] {
        put(name, b"");
    }
    put(&format!("1{}:huge-id.md", "0".repeat(30)), b"");
    put("42:x.md", b"");
    put("42:y.md", b"");
    put("50:same.md", b"");
    put("51-same.md", b"");
    put("60:binary.md", b"\xff\xfe");
    put("61:large.md", &vec![b'x'; MAX_BYTES as usize + 1]);
    fs::create_dir(tasks.join("62:dir.md")).unwrap();
    symlink("/etc/passwd", tasks.join("63:link.md")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, tasks.join("64:fifo.md"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    put("70:crlf.md", b"\xef\xbb\xbf---\r\nstatus: idle\r\n---\r\n\r\nText\r\n");
    put("71-dash.md", b"no header");
    for name in
        ["README.md", "42:x.md~", ".70:crlf.md.swp", "notes", ".#42:x.md", "~x.md", "Fix-It.md", "later.md", "a b.md"]
    {
        put(name, b"");
    }
    let (mut good, mut bad, mut unnumbered) = (Vec::new(), Vec::new(), Vec::new());
    for path in folder.names().unwrap() {
        match Name::of(&path).unwrap() {
            Name::Task(..) => match folder.read(&path) {
                Ok(file) => good.push((file.id.0, file.body, file.header.status)),
                Err(error) => bad.push(error.to_string()),
            },
            Name::Slug(slug) => unnumbered.push(slug.to_string()),
            Name::Bad(error) => bad.push(error.to_string()),
        }
    }
    let read = |id, body: &str, status| (id, body.to_owned(), status);
    assert_eq!(
        good,
        [
            read(42, "", None),
            read(42, "", None),
            read(50, "", None),
            read(51, "", None),
            read(70, "Text", Some(Status::Idle)),
            read(71, "no header", None)
        ]
    );
    assert_eq!(unnumbered, ["fix-it", "later"]);
    assert_eq!(bad.len(), 8 + 1 + 5, "{bad:#?}");
    let error = |name: &str| bad.iter().find(|error| error.contains(name)).unwrap_or_else(|| panic!("{name}"));
    assert!(error("62:dir.md").contains("folder") && error("61:large.md").contains("larger than 1048576 bytes"));
    assert!(error("63:link.md").contains("symbolic link") && error("64:fifo.md").contains("FIFO"));
    assert!(error("60:binary.md").contains("UTF-8") && error("01:lead.md").contains("leading zeros"));
    assert!(error("a b.md").contains("may have only"));
}

#[test]
fn edits_change_only_what_they_must() {
    let text = "\u{feff}---\r\n# who\r\nstatus: 'draft'   # now\r\nextra: {a: 1}\r\n\r\nafter:\r\n  - one\r\n  - two\r\n# end\r\ntitle: |\r\n  long\r\n---\r\nBody: x\r\n";
    let status = edit(text, &[Change::status(Status::Idle)]);
    assert_eq!(status, text.replace("'draft'", "idle"));
    for (old, new) in [("draft  # c", "idle  # c"), ("\"a\\\"b#\"\t# c", "idle\t# c"), ("'a''b'", "idle")] {
        let lines = |title: &str| format!("---\ntitle: {title}\nx: 1\n---\n");
        assert_eq!(edit(&lines(old), &[Change::text(HeaderKey::Title, "idle")]), lines(new));
    }
    assert_eq!(
        edit("---\nafter: [a, b] # c\n---\n", &[Change::words(HeaderKey::After, &[])]),
        "---\nafter: [] # c\n---\n"
    );
    let after = edit(text, &[Change::words(HeaderKey::After, &["3".into(), "a b".into()])]);
    assert_eq!(after, text.replace("after:\r\n  - one\r\n  - two\r\n", "after: [\"3\", a b]\r\n"));
    assert_eq!(edit(text, &[Change::remove(HeaderKey::After)]), text.replace("after:\r\n  - one\r\n  - two\r\n", ""));
    let title = edit(text, &[Change::text(HeaderKey::Title, "a: \"b\" # c")]);
    assert_eq!(title, text.replace("title: |\r\n  long\r\n", "title: \"a: \\\"b\\\" # c\"\r\n"));
    let auto = edit(text, &[Change::auto(true)]);
    assert_eq!(auto, text.replace("  long\r\n---", "  long\r\nauto: true\r\n---"));
    assert_eq!(edit(text, &[Change::remove(HeaderKey::Flow)]), text);

    assert_eq!(edit("Body\n", &[Change::status(Status::Draft)]), "---\nstatus: draft\n---\n\nBody\n");
    assert_eq!(edit("---\nstatus:\nx: 1\n---\n", &[Change::status(Status::Draft)]), "---\nstatus: draft\nx: 1\n---\n");
    assert_eq!(edit("---\n{x: 1}\n---\n", &[Change::status(Status::Draft)]), "---\n{status: draft, x: 1}\n---\n");
    assert_eq!(edit("---\n{status: idle}\n---\n", &[Change::status(Status::Draft)]), "---\n{status: draft}\n---\n");
    assert_eq!(edit("---\n# only\n---\n", &[Change::status(Status::Draft)]), "---\n# only\nstatus: draft\n---\n");
    let merged = "---\nbase: &b {status: idle}\n<<: *b\n---\n";
    assert_eq!(edit(merged, &[Change::status(Status::Draft)]), merged.replace("*b\n", "*b\nstatus: draft\n"));
    let alias = "---\nword: &w idle\nstatus: *w\n---\n";
    assert_eq!(edit(alias, &[Change::status(Status::Draft)]), alias.replace("*w", "draft"));
    let anchor = "---\ntitle: &w idle\nstatus: *w\n---\n";
    assert!(header::edit(anchor, &[Change::remove(HeaderKey::Title)]).is_err());
}

#[test]
fn fault_v5_no_update_is_lost() {
    let (_dir, folder, _) = tasks();
    let slug = Slug::new("one").unwrap();
    let (path, _) = folder.create(TaskId(1), &slug, &[Change::text(HeaderKey::Title, "0")], "Body # stays").unwrap();
    let bump = || loop {
        let file = folder.read(&path).unwrap();
        let number: u32 = file.header.title.as_deref().unwrap().parse().unwrap();
        let change = Change::text(HeaderKey::Title, &(number + 1).to_string());
        match folder.update(&path, &file.text, &[change]) {
            Ok(_) => break,
            Err(TaskFileError::Changed { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| bump()));
        }
    });
    let file = folder.read(&path).unwrap();
    assert_eq!((file.header.title.as_deref(), file.body.as_str()), (Some("100"), "Body # stays"));
}

/// An editor saves by rename while the header is changed, at every point of that.
#[test]
fn fault_v5_an_editor_that_saves_while_we_write_loses_nothing() {
    const ROUNDS: u32 = 200;
    let (_dir, folder, tasks) = tasks();
    let slug = Slug::new("one").unwrap();
    let (path, _) = folder.create(TaskId(1), &slug, &[Change::text(HeaderKey::Title, "t")], "version 0").unwrap();
    let (mut written, mut refused, mut longest) = (0, 0, Duration::ZERO);
    for round in 1..=ROUNDS {
        let file = folder.read(&path).unwrap();
        let beside = tasks.join("1:one.md~new");
        fs::write(&beside, format!("---\ntitle: t\n---\n\nversion {round}\n")).unwrap();
        let began = Instant::now();
        let until = began + longest * (round % 40) / 30;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                fs::rename(&beside, &path).unwrap();
            });
            match folder.update(&path, &file.text, &[Change::text(HeaderKey::Title, &format!("t{round}"))]) {
                Ok(_) => written += 1,
                Err(TaskFileError::Changed { kept: None, .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            longest = longest.max(began.elapsed()).min(Duration::from_millis(20));
        });
        assert_eq!(folder.read(&path).unwrap().body, format!("version {round}"), "what was saved stands");
    }
    assert!(written > 0 && refused > 0, "{written} written, {refused} refused: they met");
    let left: Vec<_> = fs::read_dir(&tasks).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["1:one.md"]);
}

/// A save in place, by a program that opened the file before it was exchanged.
#[test]
fn fault_v5_a_save_in_place_is_seen() {
    let (_dir, folder, _) = tasks();
    let slug = Slug::new("one").unwrap();
    let (path, file) = folder.create(TaskId(1), &slug, &[Change::text(HeaderKey::Title, "t")], "Old").unwrap();
    fs::write(&path, "theirs").unwrap();
    let refused = folder.update(&path, &file.text, &[Change::text(HeaderKey::Title, "ours")]);
    let Err(TaskFileError::Changed { text, kept: None, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((text.as_deref(), fs::read_to_string(&path).unwrap().as_str()), (Some("theirs"), "theirs"));
}

#[test]
fn fault_f9_a_file_that_became_a_link_is_not_written_through() {
    let (dir, folder, _) = tasks();
    let slug = Slug::new("one").unwrap();
    let (path, file) = folder.create(TaskId(1), &slug, &[Change::text(HeaderKey::Title, "t")], "Body").unwrap();
    let outside = dir.path().join("outside.md");
    fs::rename(&path, &outside).unwrap();
    symlink(&outside, &path).unwrap();
    assert!(folder.update(&path, &file.text, &[Change::text(HeaderKey::Title, "x")]).is_err());
    assert!(folder.read(&path).is_err() && path.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&outside).unwrap(), file.text);
}

#[test]
fn a_name_that_is_taken_is_never_taken_over() {
    let (_dir, folder, tasks) = tasks();
    let (one, two) = (tasks.join("1:one.md"), tasks.join("2:two.md"));
    fs::write(&one, "one").unwrap();
    fs::write(&two, "two").unwrap();
    assert!(folder.rename(&one, &two).is_err());
    assert_eq!((fs::read(&one).unwrap(), fs::read(&two).unwrap()), (b"one".to_vec(), b"two".to_vec()));
    folder.rename(&one, &tasks.join("3:three.md")).unwrap();
    assert!(!one.exists() && folder.read(&tasks.join("3:three.md")).unwrap().body == "one");
}

#[test]
fn files_are_made_once_and_removed_as_seen() {
    let (_dir, folder, tasks) = tasks();
    let slug = Slug::new("one").unwrap();
    let (path, file) = folder.create(TaskId(1), &slug, &[Change::status(Status::Draft)], "Do it.\n\n").unwrap();
    assert_eq!(path, tasks.join("1:one.md"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "---\nstatus: draft\n---\n\nDo it.\n");
    assert!(matches!(folder.create(TaskId(1), &slug, &[], ""), Err(TaskFileError::Exists(_))));
    assert!(matches!(folder.remove(&path, "other"), Err(TaskFileError::Changed { .. })));
    assert!(matches!(folder.replace(&path, &file.text, "---\nauto: 3\n---\n"), Err(TaskFileError::Header { .. })));
    folder.remove(&path, &file.text).unwrap();
    folder.remove(&path, &file.text).unwrap();
    assert_eq!(folder.create_text(&path, &file.text).unwrap().1, file);
}

#[test]
fn fault_f9_a_tasks_folder_that_leads_away_is_refused() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = Folder::of(dir.path());
    fs::create_dir(folder.dir()).unwrap();
    symlink(outside.path(), folder.tasks()).unwrap();
    fs::write(outside.path().join("1:one.md"), "x").unwrap();
    let tasks = TaskFolder::new(folder);
    assert!(tasks.names().is_err());
    assert!(tasks.create(TaskId(2), &Slug::new("two").unwrap(), &[], "").is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

/// Header lines as people write them, each whole.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "# [a-z: ]{0,12}",
        Just(String::new()),
        "[x-z][a-c]{1,3}: [a-z0-9]{0,6}",
        "[u-w][a-c]{1,3}: \"[a-zäö: #]{0,6}\"  # [a-zé]{0,4}",
        Just("list:\n  - a\n  # inside\n  - b: 1".to_owned()),
        Just("block: |\n  some: text\n\n  # more".to_owned()),
        Just("map: {a: [1, 2], b: ~}".to_owned()),
    ]
}

proptest! {
    /// Every line but the one of the changed key is the same byte for byte, and the key has its new value.
    #[test]
    fn header_edits_touch_one_key(
        lines in proptest::collection::vec(line(), 0..6),
        old in proptest::option::of(prop_oneof!["[a-z]{0,5}", "'[a-z# ]{0,5}' # c", "\"ä\"", Just(">\n  folded\n  text".to_owned())]),
        at in 0..6usize,
        crlf in any::<bool>(),
        bom in any::<bool>(),
        value in "\\PC{0,12}|[ -~]{0,12}|[\\x00-\\x1f\\x7f-\\x9f]{1,3}",
    ) {
        let mut keys = BTreeSet::new();
        let once = |line: &String| line.starts_with('#') || line.is_empty() || keys.insert(line.split(':').next().map(str::to_owned));
        let lines: Vec<_> = lines.into_iter().filter(once).collect();
        let at = at.min(lines.len());
        let (above, below) = lines.split_at(at);
        let own = old.as_ref().map(|old| format!("title: {old}"));
        let text = |own: Option<&str>| {
            let all: Vec<_> = above.iter().map(String::as_str).chain(own).chain(below.iter().map(String::as_str)).collect();
            let text = [&["---"], &all[..], &["---", "", "Body", ""]].concat().join("\n");
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            if bom { format!("\u{feff}{text}") } else { text }
        };
        let before = text(own.as_deref());
        prop_assume!(header::read(&before).is_ok());
        let after = header::edit(&before, &[Change::text(HeaderKey::Title, &value)]).unwrap();
        let trimmed = value.trim();
        let title = header::read(&after).unwrap().0.title;
        prop_assert_eq!(title.as_deref(), Some(trimmed).filter(|text| !text.is_empty()));
        let others = |text: &str| -> Vec<String> {
            text.split_inclusive('\n').filter(|line| !line.starts_with("title:")).map(str::to_owned).collect()
        };
        prop_assert_eq!(others(&after), others(&text(None)));
        let removed = header::edit(&after, &[Change::remove(HeaderKey::Title)]).unwrap();
        prop_assert_eq!(removed, text(None));
    }

    /// Whatever the body holds, and whatever stands around the lines of ours: byte for byte as it was.
    #[test]
    fn header_edits_leave_any_body_alone(
        head in proptest::option::of("(#[a-z ]{0,8}\r?\n|[x-z]: [a-z0-9]{0,6}\n){0,1}(status: draft( # [a-z]{1,5})?\r?\n)?"),
        body in "(\\PC|[\\n\\r\\t\u{feff}\u{2028}\u{0}]|---\n){0,80}",
        changes in proptest::collection::vec((0..HeaderKey::ALL.len(), proptest::option::of("\\PC{0,10}")), 0..6),
    ) {
        let text = head.as_ref().map_or_else(|| body.clone(), |head| format!("---\n{head}---\n{body}"));
        let changes: Vec<_> = changes
            .into_iter()
            .map(|(key, value)| {
                let key = HeaderKey::ALL[key];
                value.map_or_else(|| Change::remove(key), |value| Change::text(key, &value))
            })
            .collect();
        let Ok(edited) = header::edit(&text, &changes) else { return Ok(()) };
        let had_header = text.trim_start_matches('\u{feff}').lines().next().is_some_and(|line| line.trim_end() == "---");
        if had_header && head.is_some() {
            prop_assert!(edited.starts_with("---\n") && edited.ends_with(&format!("---\n{body}")), "{:?}", edited);
        } else if !had_header {
            prop_assert!(edited.ends_with(body.trim_start_matches('\u{feff}')), "{:?}", edited);
            prop_assert_eq!(edited.starts_with('\u{feff}'), body.starts_with('\u{feff}'));
        }
        let foreign = |text: &str| -> Vec<String> {
            let ours = |line: &&str| HeaderKey::ALL.iter().any(|key| line.starts_with(&format!("{}:", key.name())));
            let header = text.strip_prefix("---\n").and_then(|rest| rest.strip_suffix(body.as_str())).unwrap_or_default();
            header.split_inclusive('\n').filter(|line| !ours(line)).map(str::to_owned).collect()
        };
        if head.is_some() {
            prop_assert_eq!(foreign(&edited), foreign(&text));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(---\n)?[-a-c:#&*|>'\"{}\\[\\], \\n\\r]{0,60}(\n---\n)?") {
        if let Ok(file) = read(&text) {
            prop_assert_eq!(&file.text, &text);
            if let Ok(edited) = header::edit(&text, &[Change::status(Status::Idle)]) {
                prop_assert_eq!(read(&edited).unwrap().header.status, Some(Status::Idle));
            }
        }
    }
}
