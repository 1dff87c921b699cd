//! Nodes over a transport that lies.

use std::sync::{Arc, Mutex};

use commonware_codec::Encode as _;
use yilian_api::{
    encoding::to_base64,
    ledger::{ApprovalRequest, EntryAnswer, SnapshotBody},
    problem::{Code, Problem},
};
use yilian_authority::{
    Chain as _, ChainError, Nodes,
    transport::{Answer, Call, MAX_ANSWER, Method, NoAnswer, Pending, Transport},
};
use yilian_ledger::{Entry, Name};

use crate::scene::Scene;

type Script = Box<dyn Fn(&Call) -> Result<Answer, NoAnswer> + Send + Sync>;

struct Scripted {
    script: Script,
    calls: Mutex<Vec<Call>>,
}

impl Transport for Scripted {
    fn send(&self, call: Call) -> Pending<'_, Result<Answer, NoAnswer>> {
        let answer = (self.script)(&call);
        self.calls.lock().unwrap().push(call);
        Box::pin(async move { answer })
    }
}

fn nodes(
    scene: &Scene,
    script: impl Fn(&Call) -> Result<Answer, NoAnswer> + Send + Sync + 'static,
) -> (Nodes, Arc<Scripted>) {
    let transport = Arc::new(Scripted { script: Box::new(script), calls: Mutex::default() });
    let urls = ["http://one/".to_owned(), "http://two".to_owned()];
    (Nodes::new(transport.clone(), &urls, scene.authority.genesis().clone()), transport)
}

fn ok(body: &impl serde::Serialize) -> Result<Answer, NoAnswer> {
    Ok(Answer { status: 200, body: serde_json::to_vec(body).unwrap() })
}

#[tokio::test]
async fn believes_no_entry_without_a_proof() {
    let scene = Scene::new();
    let id = scene.hospital.id();
    let name = id.name(yilian_ledger::Kind::Institution);
    let entry: Entry = scene.chain.world.lock().unwrap().state[&name].clone();
    // The true entry, with an empty proof under an empty header.
    let answer = EntryAnswer {
        snapshot: SnapshotBody { header: String::new(), finalization: String::new() },
        answer: to_base64(&Some(entry.encode().to_vec()).encode()),
    };
    let (nodes, transport) = nodes(&scene, move |_| ok(&answer));
    assert!(matches!(nodes.entry(name, scene.now()).await, Err(ChainError::Lie { .. })));
    // Each was asked, at its own address.
    let urls: Vec<String> = transport.calls.lock().unwrap().iter().map(|call| call.url.clone()).collect();
    assert_eq!(urls.len(), 2);
    assert!(urls[0].starts_with("http://one/v1/entries/") && urls[1].starts_with("http://two/v1/entries/"));
    let standing = yilian_authority::chain::standing(&nodes, id, scene.now()).await;
    assert!(matches!(standing, Err(ChainError::Lie { .. })));
}

#[tokio::test]
async fn survives_whatever_comes_back() {
    let scene = Scene::new();
    let bodies: [Vec<u8>; 5] =
        [vec![], b"{}".to_vec(), vec![0xff; 1000], b"null".to_vec(), vec![b' '; MAX_ANSWER + 1]];
    for body in bodies {
        let (nodes, _) = nodes(&scene, move |_| Ok(Answer { status: 200, body: body.clone() }));
        assert!(matches!(nodes.entry(Name::parameters(), scene.now()).await, Err(ChainError::Lie { .. })));
    }
    let (silent, _) = nodes(&scene, |_| Err(NoAnswer("connection refused".into())));
    let unreachable = silent.entry(Name::parameters(), scene.now()).await;
    assert!(matches!(unreachable, Err(ChainError::Unreachable { url, .. }) if url == "http://two"));
}

#[tokio::test]
async fn every_validator_is_asked_and_refusals_keep_their_code() {
    let scene = Scene::new();
    let problem = Problem::new(Code::GovernanceOrder, "later");
    let body = serde_json::to_vec(&problem).unwrap();
    let (nodes, transport) = nodes(&scene, move |_| Ok(Answer { status: 409, body: body.clone() }));
    let request = ApprovalRequest {
        action: String::new(),
        valid_until: 0,
        key: String::new(),
        signature: String::new(),
    };
    let answers = nodes.approvals(request).await;
    assert_eq!(answers.len(), 2);
    for answer in answers {
        let Err(ChainError::Refused { status, code, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!((status, code.as_str()), (409, "governance.order"));
    }
    let calls = transport.calls.lock().unwrap();
    assert!(calls.iter().all(|c| c.method == Method::Post && c.content_type == "application/json"));
}
