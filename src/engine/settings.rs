//! What a project's files set: read when it is opened, and again whenever they change.
//!
//! Invariant: a file that cannot be used changes nothing, and that is told once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agent_run::agent_failure;
use super::core::Core;
use crate::agent::Catalog;
use crate::model::{Answer, Config, Failure, Flow, ProjectId, Reply};
use crate::store::watch::Batch;
use crate::store::{Folder, Home, config, init, workflow};

/// What is in force of a project's files.
pub(super) struct Settings {
    pub config: Arc<Config>,
    pub flows: Vec<Flow>,
    pub catalog: Catalog,
    /// What is wrong with the files, as it was told.
    pub faults: Vec<String>,
}

impl Settings {
    /// What the files have. Where one cannot be used `former` stays in force, at first the defaults.
    pub fn read(home: &Home, folder: &Folder, former: Option<&Self>) -> Self {
        let mut faults = Vec::new();
        let mut fault = |error: String, at_first: &str| {
            let stop = if error.ends_with('?') { "" } else { "." };
            faults
                .push(format!("{error}{stop} {}", if former.is_some() { "What was in force stays" } else { at_first }));
        };
        let flows = workflow::load(folder).unwrap_or_else(|error| {
            fault(error.to_string(), "Only the flow solo can be used");
            former.map(|former| former.flows.clone()).unwrap_or_default()
        });
        let config = match config::load(home, folder) {
            Ok(config) => Arc::new(config),
            Err(error) => {
                fault(error.to_string(), "The defaults are in force");
                former.map(|former| Arc::clone(&former.config)).unwrap_or_default()
            }
        };
        let (config, catalog) = match (Catalog::new(&config.agents), former) {
            (Ok(catalog), _) => (config, catalog),
            (Err(error), former) => {
                fault(agent_failure(&error).to_string(), "Only the built-in agents can be used");
                former
                    .map_or_else(|| (config, built_in()), |former| (Arc::clone(&former.config), former.catalog.clone()))
            }
        };
        let flow = workflow::default_flow(folder, &config, &flows);
        let config = if flow == config.default_flow {
            config
        } else {
            Arc::new(Config { default_flow: flow.to_owned(), ..Config::clone(&config) })
        };
        Self { config, flows, catalog, faults }
    }
}

impl Core {
    pub(super) fn init_project(&mut self, id: &ProjectId) -> Answer {
        let folder = self.project(id)?.files.folder.clone();
        let outcome = init::run(&folder).map_err(Failure::internal)?;
        self.look_at_files(id, &Batch::all());
        Ok(Reply::Done { message: Some(format!("wrote {} files to .orchestra/", outcome.written.len())) })
    }

    /// The new settings are in force, or the old ones stay and the error is told, once.
    pub(super) fn read_settings(&mut self, id: &ProjectId) {
        self.read_total_cap();
        let home = self.ground.home.clone();
        let Ok(project) = self.project_mut(id) else { return };
        let folder = Folder::of(project.root());
        let fresh = Settings::read(&home, &folder, Some(&project.settings));
        project.files.initialized = folder.is_initialized();
        project.files.folder = folder;
        let is_told = project.settings.faults == fresh.faults;
        let faults = if is_told { Vec::new() } else { fresh.faults.clone() };
        project.settings = fresh;
        for fault in faults {
            self.notices.error(fault, None);
        }
    }

    /// How many tasks of all projects may be at work is the user's word. A file that cannot be read is told of by each project
    /// that is opened with it.
    pub(super) fn read_total_cap(&mut self) {
        match config::load_user(&self.ground.home) {
            Ok(config) => self.known.max_running_total = config.max_running_total,
            Err(_) if self.known.max_running_total == 0 => {
                self.known.max_running_total = Config::default().max_running_total;
            }
            Err(_) => {}
        }
    }
}

fn built_in() -> Catalog {
    Catalog::new(&BTreeMap::new()).expect("invariant: the built-in agents are valid")
}
