//! The laws of the source tree, read from its text: ranks of modules, sizes, names, and what never stands in a file.
//!
//! Invariants: comments and literals never count, macros and inline modules do, and each law has a test at the foot of
//! this file in which it fails.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[path = "architecture/requirements.rs"]
mod requirements;

/// Every module at the root of the crate and its rank: an import goes to a smaller rank only.
const RANKS: &[(&str, u8)] = &[
    ("model", 0),
    ("store", 1),
    ("git", 1),
    ("pty", 1),
    ("agent", 1),
    ("engine", 2),
    ("rpc", 3),
    ("ui", 4),
    ("mcp", 4),
    ("cli", 5),
];

/// What composes or checks the modules: bound by no rank, and free to be imported.
const UNRANKED: &[&str] = &["lib", "main", "bin", "docs"];

/// Lines of a file without the tests at its foot.
const HARD_LINES: usize = 600;
const SOFT_LINES: usize = 400;
const MEDIAN_LINES: usize = 150;

/// Fields of a struct in `ui` and `engine`, and the structs that are tables.
const FIELDS: usize = 12;
const TABLES: &[&str] = &["Signs"];

/// Last words of a type's or a file's name that say nothing.
const EMPTY_WORDS: &[&str] = &["Manager", "Handler", "Helper", "Util", "Info", "Data"];

#[test]
fn imports_go_to_a_smaller_rank() {
    demand(
        &sources("src"),
        imports,
        "Let a module of a higher rank compose the two, or pass the data as a type of `model`.",
    );
}

#[test]
fn the_table_of_contents_tells_the_ranks() {
    let lib = sources("src").into_iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs is there");
    let listed: Vec<(String, Option<u8>)> = lib.text.lines().filter_map(contents_line).collect();
    for (module, rank) in listed.iter().filter(|(module, _)| !UNRANKED.contains(&module.as_str())) {
        assert_eq!(
            *rank,
            rank_of(module),
            "src/lib.rs: `pub mod {module}; // RANK: purpose` must tell the rank that RANKS in tests/architecture.rs gives"
        );
    }
    assert!(!listed.is_empty(), "src/lib.rs lists no module: the test reads the wrong file");
}

#[test]
fn files_are_small() {
    let files = sources("src");
    demand(&files, size, "Split it by type or verb.");
    let mut lines: Vec<usize> = files.iter().filter(|file| !file.is_test()).map(Source::lines).collect();
    lines.sort_unstable();
    let median = lines[lines.len() / 2];
    let mut report = format!("{} files, median {median} lines, longest {}\n", lines.len(), lines[lines.len() - 1]);
    for file in files.iter().filter(|file| !file.is_test() && file.lines() > SOFT_LINES) {
        writeln!(report, "{}: {} lines, over the soft limit of {SOFT_LINES}", file.path, file.lines())
            .expect("a string takes all text");
    }
    // Shown by `cargo test --test architecture -- --nocapture`, and when the next line fails.
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes()).expect("standard output is open");
    assert!(
        median <= MEDIAN_LINES,
        "the median file has {median} lines, over {MEDIAN_LINES}: split files by type or verb"
    );
}

#[test]
fn structs_of_shared_state_are_small() {
    demand(&sources("src"), fields, "Group the fields that change together.");
}

#[test]
fn every_file_says_what_it_is_for() {
    demand(&sources("src"), doc, "Start it with `//!`: purpose, then invariants.");
}

#[test]
fn nothing_is_left_undone_and_nothing_sleeps() {
    let files: Vec<Source> = ["src", "tests", "benches"].iter().flat_map(|root| sources(root)).collect();
    demand(&files, words, "Finish it; wait for an event or a predicate with a deadline.");
}

#[test]
fn an_ignored_test_is_a_process_of_another() {
    let files: Vec<Source> = ["src", "tests"].iter().flat_map(|root| sources(root)).collect();
    demand(
        &files,
        ignored,
        "A test that can't run says `SKIPPED: why` on standard error, so that `.ci/run` counts it.",
    );
}

#[test]
fn the_mistakes_that_tests_must_find_fit_the_code() {
    let patches = std::fs::read_dir("tests/mutants").unwrap().map(|entry| entry.unwrap().path());
    for patch in patches {
        let applied = std::process::Command::new("git").args(["apply", "--check"]).arg(&patch).output().unwrap();
        assert!(applied.status.success(), "{}: {}", patch.display(), String::from_utf8_lossy(&applied.stderr));
    }
}

#[test]
fn names_say_something() {
    demand(&sources("src"), names, "Name it after what it is or does.");
}

// ---- laws: what one file breaks ----

fn imports(file: &Source) -> Vec<Breach> {
    let own = file.module();
    let Some(top) = own.first().filter(|top| !UNRANKED.contains(&top.as_str())) else { return Vec::new() };
    let Some(rank) = rank_of(top) else {
        return vec![Breach { line: 1, text: format!("module `{top}` has no rank: give it one in RANKS") }];
    };
    let tokens = tokens(&file.code);
    let hides = |line: &str| line.trim_start().starts_with("#[path") && line.contains('/');
    let mut breaches: Vec<Breach> = (1..)
        .zip(file.text.lines())
        .filter(|(_, line)| hides(line))
        .map(|(line, _)| Breach { line, text: "`#[path]` takes a module out of another folder".to_owned() })
        .collect();
    for (line, path) in references(&own, &tokens) {
        let said = match path.first().map(String::as_str) {
            Some(target) if target == top || UNRANKED.contains(&target) => continue,
            None | Some("*") => "imports the root of the crate, so every module at once".to_owned(),
            Some(target) => match rank_of(target) {
                Some(other) if other < rank => continue,
                Some(other) => format!("`{top}` (rank {rank}) imports `{}` (rank {other})", path.join("::")),
                None => format!("`crate::{target}` is no module with a rank: import it from where it is declared"),
            },
        };
        breaches.push(Breach { line, text: said });
    }
    breaches
}

fn size(file: &Source) -> Vec<Breach> {
    let lines = file.lines();
    let text = format!("{lines} lines without tests, over the hard limit of {HARD_LINES}");
    (!file.is_test() && lines > HARD_LINES).then_some(Breach { line: HARD_LINES, text }).into_iter().collect()
}

fn doc(file: &Source) -> Vec<Breach> {
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let text = "has no module documentation".to_owned();
    (!file.is_test() && !first.starts_with("//!")).then_some(Breach { line: 1, text }).into_iter().collect()
}

fn words(file: &Source) -> Vec<Breach> {
    let tokens = tokens(&file.code);
    let found = tokens.windows(2).filter(|pair| {
        matches!((pair[0].text, pair[1].text), ("todo" | "unimplemented", "!") | ("sleep" | "sleep_ms", "("))
    });
    found.map(|pair| Breach { line: pair[0].line, text: format!("`{}{}`", pair[0].text, pair[1].text) }).collect()
}

fn ignored(file: &Source) -> Vec<Breach> {
    let code = file.code.lines().zip(file.text.lines()).zip(1..);
    code.filter(|((code, text), _)| code.trim_start().starts_with("#[ignore") && !text.contains(" for the test"))
        .map(|(_, line)| Breach {
            line,
            text: "an ignored test without a reason `... for the test(s) below`".to_owned(),
        })
        .collect()
}

fn names(file: &Source) -> Vec<Breach> {
    let tokens = tokens(&file.code);
    let types = tokens.windows(2).filter(|pair| matches!(pair[0].text, "struct" | "enum" | "trait" | "type" | "union"));
    let mut breaches: Vec<Breach> = types
        .filter(|pair| EMPTY_WORDS.contains(&last_word(pair[1].text)))
        .map(|pair| Breach { line: pair[1].line, text: format!("type `{}` has an empty last word", pair[1].text) })
        .collect();
    for part in file.module() {
        let word = part.rsplit('_').next().unwrap_or_default().trim_end_matches('s').to_owned();
        if EMPTY_WORDS.iter().any(|empty| empty.eq_ignore_ascii_case(&word)) {
            breaches.push(Breach { line: 1, text: format!("module `{part}` has an empty last word") });
        }
    }
    breaches
}

fn fields(file: &Source) -> Vec<Breach> {
    if !matches!(file.module().first().map(String::as_str), Some("ui" | "engine")) {
        return Vec::new();
    }
    let tokens = tokens(&file.code);
    let starts = (0..tokens.len()).filter(|&at| tokens[at].text == "struct");
    starts
        .filter_map(|at| {
            let open = at + tokens[at..].iter().position(|token| matches!(token.text, "{" | ";" | "("))?;
            let (name, count) = (tokens[at + 1].text, field_count(&tokens[open..]));
            let text = format!("struct `{name}` has {count} fields, over {FIELDS}");
            (count > FIELDS && !TABLES.contains(&name)).then_some(Breach { line: tokens[at].line, text })
        })
        .collect()
}

/// Counts the colons of a struct's body that stand between no inner brackets; `body` starts at its brace.
fn field_count(body: &[Token]) -> usize {
    let (mut depth, mut count) = (0_usize, 0);
    for token in body {
        match token.text {
            "{" | "(" | "[" | "<" => depth += 1,
            "}" | ")" | "]" | ">" => depth = depth.saturating_sub(1),
            ":" if depth == 1 && body[0].text == "{" => count += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    count
}

// ---- reading ----

/// One file of the tree.
struct Source {
    /// From the root of the repository.
    path: String,
    text: String,
    /// The text with comments and literals blanked, line by line the same.
    code: String,
}

/// What breaks a law, and where.
#[derive(Debug, PartialEq)]
struct Breach {
    line: usize,
    text: String,
}

/// A word or a sign of the code. `::` and `->` are one sign each.
struct Token<'a> {
    line: usize,
    text: &'a str,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blanked(text) }
    }

    /// The path of the module below the crate: `src/pty/screen/mod.rs` is `pty`, `screen`.
    fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let parts = inner.split('/').map(str::to_owned);
        parts.filter(|part| part != "mod").collect()
    }

    fn is_test(&self) -> bool {
        self.module().iter().any(|part| part == "tests" || part.ends_with("_tests"))
    }

    /// Lines above the tests at the foot.
    fn lines(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_foot = |at: &usize| {
            let below = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
            lines[*at] == "#[cfg(test)]" && below.is_some_and(|line| line.starts_with("mod tests"))
        };
        (0..lines.len()).find(is_foot).unwrap_or(lines.len())
    }
}

fn sources(root: &str) -> Vec<Source> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![home.join(root)];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a folder of the tree can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a source file is text");
        let name = path.strip_prefix(home).expect("listed below the root").to_string_lossy().replace('\\', "/");
        Source::new(&name, &text)
    };
    paths.iter().map(read).collect()
}

fn demand(files: &[Source], law: fn(&Source) -> Vec<Breach>, advice: &str) {
    assert!(!files.is_empty(), "no source file was found");
    let mut report = String::new();
    for file in files {
        for breach in law(file) {
            writeln!(report, "  {}:{}: {}", file.path, breach.line, breach.text).expect("a string takes all text");
        }
    }
    assert!(report.is_empty(), "\n{report}  {advice}");
}

fn rank_of(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// `pub mod engine; // 2: ...` as its name and rank.
fn contents_line(line: &str) -> Option<(String, Option<u8>)> {
    let (module, comment) = line.trim_start_matches("pub ").strip_prefix("mod ")?.split_once(';')?;
    let rank = comment.trim().trim_start_matches("//").trim().split(':').next()?.parse().ok();
    Some((module.to_owned(), rank))
}

/// `TaskInfo` is `Info`; `Metadata` is one word.
fn last_word(name: &str) -> &str {
    name.rfind(|letter: char| letter.is_ascii_uppercase()).map_or(name, |at| &name[at..])
}

/// Blanks comments, strings and characters, so that what is left is code; newlines stay.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at).unwrap_or(at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&letter| if letter == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// The end of the comment or literal that starts at `at`, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let length = match rest {
        ['/', '/', ..] => rest.iter().position(|&letter| letter == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => comment_length(rest),
        ['"', ..] => quoted_length(rest, '"'),
        ['\'', '\\', ..] => quoted_length(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        ['r', '"' | '#', ..] if at == 0 || !is_word(chars[at - 1]) || matches!(chars[at - 1], 'b' | 'c') => {
            let fence = rest[1..].iter().take_while(|&&letter| letter == '#').count();
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', fence)).collect();
            let body = (rest.get(fence + 1) == Some(&'"')).then_some(fence + 2)?;
            let inside = rest[body..].windows(close.len()).position(|window| window == close);
            inside.map_or(rest.len(), |inside| body + inside + close.len())
        }
        _ => return None,
    };
    Some(at + length)
}

fn comment_length(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

const fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") || rest.starts_with("->") || rest.starts_with("=>") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            tokens.push(Token { line: number + 1, text: &rest[..length] });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Every path through `crate` or `super` as an absolute one, with its line. `own` is the module of the file.
fn references(own: &[String], tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut here, mut depth, mut at) = (Vec::new(), own.to_vec(), 0_usize, 0);
    let mut inline: Vec<usize> = Vec::new();
    while at < tokens.len() {
        let next = tokens.get(at + 1).map_or("", |token| token.text);
        match tokens[at].text {
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                here.push(next.to_owned());
                inline.push(depth);
                at += 1;
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    here.pop();
                }
            }
            "crate" | "super" if matches!(next, "::" | "as") => {
                at = walk_path(tokens, at, here.clone(), &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Follows the path, or the tree of paths, that starts at `at`; the end of it is returned.
fn walk_path(tokens: &[Token], mut at: usize, mut path: Vec<String>, found: &mut Vec<(usize, Vec<String>)>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text {
            "crate" => path.clear(),
            "super" => drop(path.pop()),
            "self" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    // An element ends at its comma; what `as` adds to it is passed over.
                    at = walk_path(tokens, at, path.clone(), found).max(at + 1);
                    while tokens.get(at).is_some_and(|token| !matches!(token.text, "," | "}")) {
                        at += 1;
                    }
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return at + 1;
            }
            word => path.push(word.to_owned()),
        }
        let goes_on = tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && tokens.get(at + 2).is_some_and(|after| after.text != "<");
        if !goes_on {
            found.push((token.line, path));
            return at + 1;
        }
        at += 2;
    }
    at
}

// ---- each law fails where it must ----

fn breaches(law: fn(&Source) -> Vec<Breach>, path: &str, text: &str) -> Vec<usize> {
    law(&Source::new(path, text)).iter().map(|breach| breach.line).collect()
}

#[test]
fn an_import_to_the_same_or_a_higher_rank_is_found() {
    for (path, text) in [
        ("src/git/mod.rs", "use crate::store::Db;"),
        ("src/git/diff.rs", "use crate::{model::Diff, pty};"),
        ("src/git/diff.rs", "use super::super::pty::Screen;"),
        ("src/git/diff.rs", "use super::{Repo, super::agent::{self as bot}};"),
        ("src/git/mod.rs", "fn f() { crate::engine::run() }"),
        ("src/git/mod.rs", "macro_rules! m { () => { $crate::ui::draw() } }"),
        ("src/git/mod.rs", "mod inner { use super::super::store; }"),
        ("src/git/mod.rs", "use crate::*;"),
        ("src/git/mod.rs", "use crate as all;"),
        ("src/git/mod.rs", "use crate::nowhere::Thing;"),
        ("src/ui/open.rs", "pub use crate::cli::run;"),
        ("src/nowhere.rs", ""),
        ("src/git/mod.rs", "#[path = \"../pty/mod.rs\"] mod pty;"),
    ] {
        assert_eq!(breaches(imports, path, text), [1], "{path}: {text}");
    }
    assert_eq!(breaches(imports, "src/git/mod.rs", "use crate::{\n  model::Diff,\n  ui,\n  pty,\n};"), [3, 4]);
}

#[test]
fn an_import_to_a_smaller_rank_or_within_the_module_passes() {
    for (path, text) in [
        ("src/engine/mod.rs", "use crate::{git::{self, Repo}, model, pty::Screen as Pane};"),
        ("src/git/diff.rs", "use super::*; pub(crate) fn f() { crate::model::Diff::default() }"),
        ("src/git/diff/tests.rs", "use super::super::Repo; crate::docs::assert_fresh();"),
        ("src/git/mod.rs", "#[cfg(test)]\nmod tests { use super::*; mod deep { use super::super::Repo; } }"),
        (
            "src/git/mod.rs",
            "// crate::store\n/* crate::ui /* nested */ crate::ui */ \"crate::ui\"; r#\"crate::ui\"#; '\"'; b'\\''",
        ),
        ("src/git/diff.rs", "#[cfg(test)]\n#[path = \"diff_tests.rs\"]\nmod tests;"),
        ("src/main.rs", "use crate::ui; use crate::store;"),
        ("src/bin/ork.rs", "use crate::ui;"),
    ] {
        assert_eq!(breaches(imports, path, text), [], "{path}: {text}");
    }
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let body = "//! x\n".repeat(HARD_LINES);
    assert_eq!(breaches(size, "src/git/mod.rs", &format!("{body}x\n")), [HARD_LINES]);
    assert_eq!(breaches(size, "src/git/mod.rs", &format!("{body}#[cfg(test)]\nmod tests {{\n{body}}}")), []);
    assert_eq!(breaches(size, "src/git/diff_tests.rs", &format!("{body}x\n")), []);
    assert_eq!(breaches(size, "src/git/tests.rs", &format!("{body}x\n")), []);
    assert_eq!(breaches(size, "src/lib.rs", &format!("#[cfg(test)]\nmod docs;\n{body}")), [HARD_LINES]);
}

#[test]
fn words_and_names_are_found_in_code_only() {
    let text =
        "//! x\nfn f() { todo!() }\nfn g() { thread::sleep(d) }\n// todo!()\nlet s = \"sleep(1)\"; unimplemented!();";
    assert_eq!(breaches(words, "src/git/mod.rs", text), [2, 3, 5]);
    let text = "#[ignore]\n#[ignore = \"slow\"]\n#[ignore = \"an engine for the test below\"]\nlet s = \"#[ignore]\";";
    assert_eq!(breaches(ignored, "tests/pty/main.rs", text), [1, 2]);
    let text = "struct TaskInfo;\nenum Data {}\nstruct Metadata;\ntrait Helper {}\nstruct Infos;";
    assert_eq!(breaches(names, "src/git/mod.rs", text), [1, 2, 4]);
    assert_eq!(breaches(names, "src/git/path_utils.rs", ""), [1]);
    assert_eq!(breaches(doc, "src/git/mod.rs", "\n// no\n"), [1]);
    assert_eq!(breaches(doc, "src/git/mod.rs", "//! Yes.\n"), []);
}

#[test]
fn a_wide_struct_is_found() {
    let with = |count: usize| format!("struct S<T: Copy> {{ {} }}", "#[x(y)] f: a::B<Fn(u8) -> T, C>, ".repeat(count));
    assert_eq!(breaches(fields, "src/ui/model.rs", &with(FIELDS + 1)), [1]);
    assert_eq!(breaches(fields, "src/ui/model.rs", &with(FIELDS)), []);
    assert_eq!(breaches(fields, "src/model/task.rs", &with(FIELDS + 1)), []);
}

#[test]
fn the_table_of_contents_is_read() {
    assert_eq!(contents_line("pub mod engine; // 2: the owner"), Some(("engine".to_owned(), Some(2))));
    assert_eq!(contents_line("mod docs; // pages"), Some(("docs".to_owned(), None)));
    assert_eq!(contents_line("use x;"), None);
}
