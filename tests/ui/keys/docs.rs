//! `docs/keys.md` is printed from the table.

use std::path::Path;

use orchestra::ui::command;

/// `BLESS=1` writes the page anew.
#[test]
fn the_page_of_the_keys_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    let page = command::page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a fixture")).expect("a fixture");
        std::fs::write(&path, &page).expect("a fixture");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "run this test with BLESS=1");
}
