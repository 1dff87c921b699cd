use std::collections::BTreeSet;

use serde_json::Value;

use super::server::Server;

/// The tables at the heads of the API's modules.
const ROUTES: &[(&str, &str)] = &[
    ("post", "/v1/transactions"),
    ("get", "/v1/transactions/{digest}"),
    ("get", "/v1/genesis"),
    ("get", "/v1/status"),
    ("get", "/v1/health"),
    ("get", "/v1/snapshot"),
    ("get", "/v1/entries/{name}"),
    ("get", "/v1/buckets/{kind}/{bits}/{prefix}"),
    ("get", "/v1/blocks"),
    ("get", "/v1/blocks/{height}"),
    ("get", "/v1/events"),
    ("post", "/v1/governance/approve"),
    ("post", "/v1/mailboxes/{id}/messages"),
    ("post", "/v1/mailboxes/{id}/list"),
    ("post", "/v1/mailboxes/{id}/fetch"),
    ("post", "/v1/mailboxes/{id}/delete"),
    ("put", "/v1/backups/{name}"),
    ("get", "/v1/backups/{name}"),
];

async fn served() -> Value {
    let answer = Server::start(8).await.get("/v1/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(answer.body()).unwrap()
}

#[tokio::test]
async fn the_document_lists_every_route() {
    let document = served().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for (method, path) in ROUTES {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn every_operation_names_its_problem_and_every_reference_leads_somewhere() {
    let document = served().await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let health = path == "/v1/health";
            assert!(health || responses.contains_key("default"), "{method} {path}");
            assert!(operation["operationId"].is_string());
        }
    }
    let known: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(|name| format!("#/components/schemas/{name}"))
        .collect();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    assert!(used.is_subset(&known), "{:?}", used.difference(&known).collect::<Vec<_>>());
    assert!(used.contains("#/components/schemas/Problem"));
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(target)) => drop(found.insert(target.clone())),
            _ => references(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
