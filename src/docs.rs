//! Pages of `docs/` that are printed from the code: a test fails when one is stale.

use std::path::Path;

/// Compares a printed page with the file; with `UPDATE_DOCS=1` writes it instead.
pub fn assert_fresh(path: &str, page: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().expect("a page lies in a folder")).expect("docs/ can be made");
        std::fs::write(&file, page).expect("the page can be written");
    }
    let old = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(old == page, "{path} is stale: UPDATE_DOCS=1 cargo test writes it again");
}
