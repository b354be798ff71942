//! Setting up a project's `.orchestra/`.
//!
//! Invariant: what exists is never overwritten, whatever it holds.

use std::fs;
use std::path::PathBuf;

use super::atomic::{Access, FileError, write_as, write_new};
use super::paths::Folder;
use super::prompt;

/// What setting up did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Files that are new.
    pub written: Vec<PathBuf>,
    /// Files that were there and stay as they are.
    pub kept: Vec<PathBuf>,
}

const IGNORE: &str = include_str!("../../assets/gitignore");
/// Ignores all of the folder, itself included.
const BARE_IGNORE: &str = include_str!("../../assets/gitignore-bare");

/// The files of a fresh project.
fn files(folder: &Folder) -> [(PathBuf, &'static str, Access); 13] {
    use Access::{Script, Shared};
    let (agents, scripts) = (folder.agents(), folder.scripts());
    [
        (folder.gitignore(), IGNORE, Shared),
        (folder.config(), include_str!("../../assets/config.yaml"), Shared),
        (folder.workflow(), include_str!("../../assets/workflow.yaml"), Shared),
        (agents.join("planning.md"), prompt::PLANNING, Shared),
        (agents.join("work.md"), prompt::WORK, Shared),
        (agents.join("review.md"), prompt::REVIEW, Shared),
        (agents.join("compound.md"), prompt::COMPOUND, Shared),
        (agents.join("breakdown.md"), prompt::BREAKDOWN, Shared),
        (agents.join("subtask-work.md"), prompt::SUBTASK_WORK, Shared),
        (agents.join("hotfix.md"), prompt::HOTFIX, Shared),
        (scripts.join("checks.sh"), include_str!("../../assets/scripts/checks.sh"), Script),
        (scripts.join("worktree_setup.sh"), include_str!("../../assets/scripts/worktree_setup.sh"), Script),
        (scripts.join("worktree_cleanup.sh"), include_str!("../../assets/scripts/worktree_cleanup.sh"), Script),
    ]
}

/// What [`run`] would do now.
pub fn plan(folder: &Folder) -> Outcome {
    let mut outcome = Outcome::default();
    for (path, ..) in files(folder) {
        // Links that lead nowhere count: they are somebody's.
        let is_kept = path.symlink_metadata().is_ok() && !is_bare_ignore(folder, &path);
        if is_kept { &mut outcome.kept } else { &mut outcome.written }.push(path);
    }
    outcome
}

/// Writes the files that are not there yet. Can be done again.
pub fn run(folder: &Folder) -> Result<Outcome, FileError> {
    let mut outcome = Outcome::default();
    for (path, text, access) in files(folder) {
        let parent = path.parent().expect("invariant: all of them lie in the project's folder");
        folder.create_dir(parent)?;
        let written = if is_bare_ignore(folder, &path) {
            write_as(&path, text.as_bytes(), access).map(|()| true)?
        } else {
            write_new(&path, text.as_bytes(), access)?
        };
        if written { &mut outcome.written } else { &mut outcome.kept }.push(path);
    }
    folder.create_dir(&folder.tasks())?;
    Ok(outcome)
}

/// What the first task of a project that was never set up needs: a place for task files that git does not see.
pub fn prepare_tasks(folder: &Folder) -> Result<(), FileError> {
    folder.create_dir(&folder.tasks())?;
    write_new(&folder.gitignore(), BARE_IGNORE.as_bytes(), Access::Shared)?;
    Ok(())
}

/// The file that [`prepare_tasks`] wrote, untouched: it would hide the project's settings from git.
fn is_bare_ignore(folder: &Folder, path: &std::path::Path) -> bool {
    path == folder.gitignore()
        && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
        && fs::read(path).is_ok_and(|text| text == BARE_IGNORE.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;
    use crate::model::{Config, Flow, Output};
    use crate::store::{config, workflow};

    #[test]
    fn a_fresh_project_loads_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        assert_eq!(plan(&folder).written.len(), 13);
        let outcome = run(&folder).unwrap();
        assert_eq!((outcome.written.len(), outcome.kept.len()), (13, 0));
        let home = crate::store::Home::at(dir.path().join("home"));
        assert_eq!(config::load(&home, &folder).unwrap(), Config::default());
        let flows = workflow::load(&folder).unwrap();
        let stages = |flow: &Flow| flow.stages.iter().map(|stage| stage.name.clone()).collect::<Vec<_>>().join(" ");
        let told: Vec<_> = flows.iter().map(|flow| format!("{}: {}", flow.name, stages(flow))).collect();
        assert_eq!(
            told,
            [
                "solo: work",
                "default: planning work review compound",
                "hotfix: work",
                "decompose: planning breakdown work review compound",
                "subtask: work review",
            ]
        );
        for stage in flows.iter().flat_map(|flow| &flow.stages) {
            let template = folder.agents().join(stage.template());
            assert!(template.is_file(), "{}", template.display());
        }
        let checks = folder.scripts().join("checks.sh");
        assert_eq!(fs::metadata(&checks).unwrap().permissions().mode() & 0o777, 0o755);
        let output = std::process::Command::new(&checks).output().unwrap();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("CHECKS NOTHING"));
    }

    #[test]
    fn r3_the_default_flow_plans_works_judges_and_learns() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        run(&folder).unwrap();
        let flows = workflow::load(&folder).unwrap();
        let [planning, work, review, compound] = &flows[1].stages[..] else { panic!("{:?}", flows[1]) };
        let artifacts = [planning, work, review, compound].map(|stage| stage.artifact.as_str());
        assert_eq!(artifacts, ["plan", "summary", "verdict", "learnings"]);
        assert_eq!(work.gate.as_ref().unwrap().command, "checks.sh");
        assert_eq!(review.assignment().unwrap().output, Output::Verdict { rejection_stage: "work".into() });
        assert!(flows[1].integration.auto_merge && flows[1].stages.iter().all(|stage| !stage.is_automated));
        assert!(
            matches!(&flows[3].stages[1].assignment().unwrap().output, Output::Subtasks(it) if it.flow == "subtask")
        );
        assert!(flows[4].stages.iter().all(|stage| stage.is_automated), "pieces wait for nobody");
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        fs::create_dir_all(folder.scripts()).unwrap();
        fs::write(folder.config(), "agent: mine\n").unwrap();
        symlink("/nowhere", folder.scripts().join("checks.sh")).unwrap();
        let planned = plan(&folder);
        let outcome = run(&folder).unwrap();
        assert_eq!(outcome, planned);
        assert_eq!(outcome.kept, [folder.config(), folder.scripts().join("checks.sh")]);
        assert_eq!(fs::read_to_string(folder.config()).unwrap(), "agent: mine\n");
        assert!(!Path::new("/nowhere").exists());
        assert_eq!(run(&folder).unwrap().kept.len(), 13);
    }

    #[test]
    fn a_first_task_leaves_no_trace_in_git_and_init_still_works() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        prepare_tasks(&folder).unwrap();
        let names: Vec<_> = fs::read_dir(folder.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.len() == 2 && !folder.is_initialized());
        assert!(run(&folder).unwrap().written.contains(&folder.gitignore()));
        assert!(!fs::read_to_string(folder.gitignore()).unwrap().lines().any(|line| line == "*"));
    }

    #[test]
    fn fault_f9_a_folder_that_leads_away_is_refused() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(outside.path(), dir.path().join(".orchestra")).unwrap();
        assert!(matches!(run(&Folder::of(dir.path())), Err(FileError::Outside { .. })));
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
