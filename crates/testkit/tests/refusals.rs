//! Holds the tables of spec/refusals.md against the tests, codes and controls that they name.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

/// All code, and the names of files and folders.
fn sources(dir: &Path, into: &mut String, names: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        if path.is_dir() {
            sources(&path, into, names);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands between backquotes in tables, cut into words.
fn words(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    quoted
        .flat_map(|text| text.split([' ', '/', ':', '{', '}', ',']))
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn names_only_what_exists() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(crates.join("../spec/refusals.md")).unwrap();
    let (mut code, mut files) = (String::new(), Vec::new());
    sources(&crates, &mut code, &mut files);
    let (mut tests, mut codes) = (0, 0);
    for word in words(&page) {
        if word.contains('.') {
            assert!(code.contains(&format!("\"{word}\"")), "there is no code {word}");
            codes += 1;
        } else if word.matches('_').count() > 2 {
            assert!(
                ["(", "<"].iter().any(|end| code.contains(&format!("fn {word}{end}"))),
                "there is no test or control {word}"
            );
            tests += 1;
        } else {
            assert!(
                word == "*" || code.contains(word) || files.iter().any(|file| file == word),
                "there is no {word}"
            );
        }
    }
    assert!(tests > 60 && codes > 40, "{tests} tests, {codes} codes");
}
