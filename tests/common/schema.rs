//! The committed JSON Schemas, and every document of the suite against them.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

/// Fails the test unless `document` is as the schema of its `kind` says, with no key more and none less. A document
/// without a kind is not pgconn's own.
#[track_caller]
pub(super) fn check(document: &Value) {
    let kind = match document.get("kind").and_then(Value::as_str) {
        None => return,
        Some(_) if document.get("targets").is_some() => "targets",
        Some(kind) if kind != "error" && document.get("error").is_some() => "target_error",
        Some(kind) => kind,
    };
    let answers = document.get("targets").and_then(Value::as_array).into_iter().flatten();
    answers.filter_map(|target| target.get("document")).for_each(check);
    let errors: Vec<String> = validator(kind)
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "not as schemas/{kind}.json says:\n{}\n{document:#}", errors.join("\n"));
}

/// Checks all documents that a stream consists of, and passes over other text.
#[track_caller]
pub(super) fn check_stream(text: &str) {
    if !text.starts_with("{\"kind\"") && !text.starts_with("{\n  \"kind\"") {
        return;
    }
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok) {
        check(&document);
    }
}

fn validator(kind: &str) -> Arc<jsonschema::Validator> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> =
        LazyLock::new(Mutex::default);
    let known = VALIDATORS.lock().unwrap().get(kind).cloned();
    if let Some(validator) = known {
        return validator;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{kind}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}\na new kind needs two lines in src/commands/schema.rs and ./dev bless",
            path.display()
        )
    });
    let mut schema = serde_json::from_str(&text).unwrap();
    forbid_other_keys(&mut schema);
    let validator = Arc::new(jsonschema::validator_for(&schema).unwrap());
    VALIDATORS.lock().unwrap().insert(kind.to_owned(), Arc::clone(&validator));
    validator
}

/// A published schema allows keys that a later version adds; the program under test has exactly these.
fn forbid_other_keys(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let whole = ["allOf", "anyOf", "oneOf", "additionalProperties"]
                .iter()
                .all(|key| !fields.contains_key(*key));
            if whole && fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type")
            {
                fields.insert("additionalProperties".into(), json!(false));
            }
            fields.values_mut().for_each(forbid_other_keys);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_other_keys),
        _ => {}
    }
}

#[test]
fn a_document_that_is_not_as_published_fails() {
    let error = json!({"kind": "error", "schema_version": 1, "error": {"code": "usage", "message": "m", "detail": null,
        "hint": null, "sqlstate": null, "scope": null, "exit_code": 2}});
    check(&error);
    for (key, value) in [("message", json!(1)), ("surplus", json!(true)), ("code", Value::Null)] {
        let mut wrong = error.clone();
        wrong["error"][key] = value;
        std::panic::catch_unwind(|| check(&wrong)).unwrap_err();
    }
    let mut lacking = error;
    lacking["error"].as_object_mut().unwrap().remove("detail");
    std::panic::catch_unwind(|| check(&lacking)).unwrap_err();
}
