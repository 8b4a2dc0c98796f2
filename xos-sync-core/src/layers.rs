//! A module names only modules that stand above it in `lib.rs`.

use std::path::{Path, PathBuf};

#[test]
fn a_module_names_only_modules_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    let layers: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ").or(line.strip_prefix("mod ")))
        .filter_map(|rest| rest.strip_suffix(';'))
        .filter(|name| *name != "layers")
        .collect();
    assert!(layers.len() > 15, "{layers:?}");
    let mut wrong = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        for file in files_of(&source, layer) {
            let code = std::fs::read_to_string(&file).unwrap();
            let code: String =
                code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let names = |name: &str| named(&code).iter().any(|named| named == name);
            for below in layers[at + 1..].iter().filter(|below| names(below)) {
                wrong.push(format!("{} names {below}", file.display()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// The modules of this crate that the code names: `crate::a` and each of `use crate::{a::…, b}`.
fn named(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            named.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && c.is_alphabetic() => {
                    named.push(word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    named
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn files_of(source: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![source.join(format!("{module}.rs"))];
    if let Ok(folder) = source.join(module).read_dir() {
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.is_file() && file.file_name().is_some_and(|name| name != "tests.rs"));
    files
}
