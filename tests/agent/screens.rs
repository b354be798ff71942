//! What the visible screens of agents say, read by the rules of their manifests: a screen is recorded in
//! `tests/fixtures/screens/AGENT/WORD-name.txt`, WORD being what it has to be read as.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use orchestra::agent::{Authority, Catalog, Signal};
use orchestra::model::Activity;

#[test]
fn recorded_screens_are_read_as_what_they_are() {
    let catalog = Catalog::new(&BTreeMap::new()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/screens");
    let mut read = 0;
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let manifest = catalog.get(folder.file_name().unwrap().to_str().unwrap()).unwrap();
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let mut authority = Authority::new(manifest);
            let unchanged = Duration::from_millis(manifest.rest_after_ms);
            authority.observe(Signal::Screen { text: &fs::read_to_string(&file).unwrap(), unchanged }, unchanged);
            authority.settle(unchanged * 2);
            let word = match &authority.verdict().activity {
                Activity::Starting => "starting",
                Activity::Working => "working",
                Activity::Resting => "resting",
                Activity::Asking { .. } => "asking",
            };
            assert!(name.starts_with(word), "{}/{name} is read as {word}", manifest.name);
            read += 1;
        }
    }
    assert!(read > 0, "no screen is recorded");
}
