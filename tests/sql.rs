//! The questions to the server: each file is bound by the program, says what a row is, and runs on the server under test
//! because a command asks it.

use std::fs;
use std::path::Path;

#[test]
fn every_question_is_bound_and_says_what_a_row_is() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db");
    let bound: String = fs::read_dir(&source)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut files = 0;
    for entry in fs::read_dir(source.join("sql")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- One row"), "{name} does not open by saying what a row is");
        assert!(bound.contains(&format!("include_str!(\"sql/{name}\")")), "{name} is bound by nobody");
        assert!(
            !text.contains("now()"),
            "{name}: ages come from clock_timestamp(), now() stands still in a transaction"
        );
        files += 1;
    }
    assert!(files > 3, "the questions are somewhere else");
}
