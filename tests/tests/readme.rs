//! The README shows what is there.

use std::{fs, path::Path};

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let quickstart = fs::read_to_string(root.join("examples/quickstart/main.rs")).unwrap();
    let shown = readme.split_once("<!-- quickstart -->\n```rust\n").unwrap().1;
    let shown = shown.split_once("```\n<!-- /quickstart -->").unwrap().0;
    assert_eq!(shown, quickstart);
    assert!(quickstart.lines().count() < 80);
}
