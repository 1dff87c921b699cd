//! TLS with a consortium's certificates: who is believed, who is not, and renewal under way (spec N-1 to N-8).

use std::{fs, path::Path, sync::Arc};

use rustls::{CertificateError, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use yilian_crypto::{
    Secret,
    certificate::{
        Certificate, Contents, Level, issue,
        server::{Host, ServerRequest, issue_server},
    },
    sign::SigningKey,
};

use super::server::{Server, ask, read, settings, status};
use crate::tls::{Issuer, Tls, TlsError, TlsSettings, check, client_config, now, pem};

const DAY: u64 = 86_400;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([seed; 32]))
}

/// Root, intermediate and institution with keys of `seed` and the two after it.
struct Consortium {
    root: Certificate,
    intermediate: Certificate,
    institution: Certificate,
    seed: u8,
}

impl Consortium {
    fn new(seed: u8) -> Self {
        let certify = |level, own: u8, above: Option<&Certificate>, issuer: u8| {
            let contents = Contents {
                level,
                subject_id: format!("member-{own}"),
                name: format!("Member {own}"),
                roles: [].into(),
                signing_key: key(own).verifying_key(),
                sealing_key: None,
                delegatee: None,
                mailbox: None,
                gtin_prefixes: vec![],
                not_before: now() - 300 * DAY,
                not_after: now() + 300 * DAY,
            };
            issue(&contents, above, &key(issuer)).unwrap()
        };
        let root = certify(Level::Root, seed, None, seed);
        let intermediate = certify(Level::Intermediate, seed + 1, Some(&root), seed);
        let institution = certify(Level::Institution, seed + 2, Some(&intermediate), seed + 1);
        Self { root, intermediate, institution, seed }
    }

    fn roots(&self) -> Vec<Vec<u8>> {
        vec![self.root.der().to_vec()]
    }

    /// PEM of a chain for the hosts and the server's key, from its institution.
    fn certify(&self, hosts: &[&str], server: &SigningKey, from: u64, to: u64) -> String {
        let hosts: Vec<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let request = ServerRequest::parse(&ServerRequest::sign(&hosts, server).unwrap()).unwrap();
        let leaf = issue_server(&request, &self.institution, &key(self.seed + 2), from, to).unwrap();
        let chain = [&leaf[..], self.institution.der(), self.intermediate.der()];
        chain.map(|der| pem::encode("CERTIFICATE", der)).concat()
    }

    fn certify_now(&self, hosts: &[&str], server: &SigningKey) -> String {
        self.certify(hosts, server, now() - DAY, now() + 90 * DAY)
    }
}

fn write_key(path: &Path, key: &SigningKey) {
    fs::write(path, pem::encode_key(key.seed()).expose()).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// A folder with certificate and key, and the settings that name them.
struct Files {
    settings: TlsSettings,
    _dir: tempfile::TempDir,
}

impl Files {
    fn new(certificate: &str, key: &SigningKey) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = TlsSettings {
            certificate: dir.path().join("tls.pem"),
            key: dir.path().join("tls.key"),
            issuer: Issuer::Consortium,
        };
        fs::write(&settings.certificate, certificate).unwrap();
        write_key(&settings.key, key);
        Self { settings, _dir: dir }
    }

    fn load(&self, consortium: &Consortium) -> Result<Tls, TlsError> {
        Tls::load(self.settings.clone(), consortium.roots())
    }
}

/// One request over TLS; the status, or why the handshake failed.
async fn get(server: &Server, trusting: &Consortium, host: &str) -> Result<u16, rustls::Error> {
    let roots = trusting.roots();
    let config = Arc::new(client_config(roots.iter().map(Vec::as_slice)).unwrap());
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| error.into_inner().unwrap().downcast_ref::<rustls::Error>().unwrap().clone())?;
    let (_, connection) = stream.get_ref();
    assert_eq!(connection.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    stream.write_all(b"GET /things/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    Ok(status(&answer))
}

fn invalid(error: rustls::Error) -> CertificateError {
    match error {
        rustls::Error::InvalidCertificate(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn clients_believe_a_server_below_their_root_under_each_of_its_hosts() {
    let consortium = Consortium::new(1);
    let files = Files::new(&consortium.certify_now(&["node.example", "127.0.0.1"], &key(9)), &key(9));
    let server = Server::start(&settings(), Some(files.load(&consortium).unwrap())).await;
    for host in ["node.example", "127.0.0.1"] {
        assert_eq!(get(&server, &consortium, host).await, Ok(200));
    }
}

#[tokio::test]
async fn clients_refuse_another_root_another_host_and_plain_http() {
    let (consortium, other) = (Consortium::new(1), Consortium::new(20));
    let files = Files::new(&consortium.certify_now(&["node.example"], &key(9)), &key(9));
    let server = Server::start(&settings(), Some(files.load(&consortium).unwrap())).await;
    let unknown = invalid(get(&server, &other, "node.example").await.unwrap_err());
    assert_eq!(unknown, CertificateError::UnknownIssuer);
    let misnamed = invalid(get(&server, &consortium, "other.example").await.unwrap_err());
    assert!(matches!(misnamed, CertificateError::NotValidForNameContext { .. }), "{misnamed:?}");

    let mut plain = server.connect().await;
    ask(&mut plain, "/things/1").await;
    // An alert at most; no answer.
    assert!(!read(&mut plain).await.contains("HTTP/1.1"));
    let without_tls = Server::start(&settings(), None).await;
    let error = get(&without_tls, &consortium, "node.example").await.unwrap_err();
    assert!(matches!(error, rustls::Error::InvalidMessage(_)), "{error:?}");
}

#[tokio::test]
async fn a_practitioner_or_patient_cannot_stand_in_for_a_server() {
    let consortium = Consortium::new(1);
    let member = Contents {
        level: Level::Practitioner,
        signing_key: key(4).verifying_key(),
        subject_id: "doctor".into(),
        ..consortium.institution.contents().clone()
    };
    let doctor = issue(&member, Some(&consortium.institution), &key(3)).unwrap();
    let chain = [&doctor, &consortium.institution, &consortium.intermediate];
    let chain = chain.map(|certificate| pem::encode("CERTIFICATE", certificate.der())).concat();
    // Its own loader would take it, since the chain is good; no client does, since no host stands in it.
    let files = Files::new(&chain, &key(4));
    let server = Server::start(&settings(), Some(files.load(&consortium).unwrap())).await;
    let refused = invalid(get(&server, &consortium, "node.example").await.unwrap_err());
    assert!(matches!(refused, CertificateError::NotValidForNameContext { .. }), "{refused:?}");
}

#[tokio::test]
async fn clients_refuse_a_certificate_that_ended() {
    let consortium = Consortium::new(1);
    let ended = consortium.certify(&["node.example"], &key(9), now() - 9 * DAY, now() - DAY);
    let files = Files::new(&ended, &key(9));
    assert!(matches!(files.load(&consortium), Err(TlsError::Ended { .. })));
    // A server that loaded it while it held, and goes on.
    let tls = Tls::load_at(files.settings.clone(), consortium.roots(), now() - 2 * DAY).unwrap();
    let server = Server::start(&settings(), Some(tls)).await;
    let refused = invalid(get(&server, &consortium, "node.example").await.unwrap_err());
    assert!(matches!(refused, CertificateError::ExpiredContext { .. }), "{refused:?}");
}

#[test]
fn a_server_refuses_bad_files_and_says_why() {
    let (consortium, other) = (Consortium::new(1), Consortium::new(20));
    let roots = consortium.roots();
    let good = consortium.certify_now(&["node.example"], &key(9));
    let own = pem::encode_key(key(9).seed());
    let ask = |certificate: &str, key: &[u8]| check(certificate.as_bytes(), key, Some(&roots), now());
    assert!(ask(&good, own.expose()).is_ok());

    assert!(matches!(ask("", own.expose()), Err(TlsError::NoCertificate)));
    assert!(matches!(ask(&good.replace('M', "*"), own.expose()), Err(TlsError::Malformed)));
    assert!(matches!(ask(&good, b""), Err(TlsError::NoKey)));
    assert!(matches!(ask(&good, pem::encode_key(key(8).seed()).expose()), Err(TlsError::OtherKey)));
    let foreign = other.certify_now(&["node.example"], &key(9));
    assert!(matches!(ask(&foreign, own.expose()), Err(TlsError::OtherRoot)));
    // Without those between the server and the root.
    let alone = good.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    assert!(matches!(ask(alone, own.expose()), Err(TlsError::OtherRoot)));
    let future = consortium.certify(&["node.example"], &key(9), now() + DAY, now() + 2 * DAY);
    assert!(matches!(ask(&future, own.expose()), Err(TlsError::NotYet { .. })));
    let institution = pem::encode("CERTIFICATE", consortium.institution.der())
        + &pem::encode("CERTIFICATE", consortium.intermediate.der());
    let its_key = pem::encode_key(key(3).seed());
    assert!(matches!(ask(&institution, its_key.expose()), Err(TlsError::NotAServer)));
    // From elsewhere, where the operator says so.
    assert!(check(foreign.as_bytes(), own.expose(), None, now()).is_ok());
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    let consortium = Consortium::new(1);
    let files = Files::new(&consortium.certify_now(&["node.example"], &key(9)), &key(9));
    fs::set_permissions(&files.settings.key, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(files.load(&consortium), Err(TlsError::KeyMode { .. })));
}

#[tokio::test]
async fn a_certificate_is_renewed_without_restart_and_a_bad_one_changes_nothing() {
    let consortium = Consortium::new(1);
    let files = Files::new(&consortium.certify_now(&["old.example"], &key(9)), &key(9));
    let tls = files.load(&consortium).unwrap();
    let server = Server::start(&settings(), Some(tls.clone())).await;
    assert_eq!(get(&server, &consortium, "old.example").await, Ok(200));
    assert!(!tls.renew_if_changed());

    fs::write(&files.settings.certificate, "nonsense").unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::NoCertificate)));
    assert_eq!(get(&server, &consortium, "old.example").await, Ok(200));
    // A bad file is complained about once, not at every look.
    assert!(!tls.renew_if_changed());

    let standing = TcpStream::connect(server.address).await.unwrap();
    let longer = consortium.certify(&["new.example"], &key(8), now() - DAY, now() + 99 * DAY);
    fs::write(&files.settings.certificate, longer).unwrap();
    write_key(&files.settings.key, &key(8));
    assert!(tls.renew_if_changed());
    assert!(tls.until() > now() + 98 * DAY);
    assert_eq!(get(&server, &consortium, "new.example").await, Ok(200));
    assert!(get(&server, &consortium, "old.example").await.is_err());
    drop(standing);
}

#[tokio::test]
async fn whoever_connects_and_says_nothing_loses_its_place() {
    let consortium = Consortium::new(1);
    let files = Files::new(&consortium.certify_now(&["node.example"], &key(9)), &key(9));
    let settings = crate::ServeSettings { connections: 1, ..settings() };
    let server = Server::start(&settings, Some(files.load(&consortium).unwrap())).await;
    let silent = server.connect().await;
    assert_eq!(get(&server, &consortium, "node.example").await, Ok(200));
    drop(silent);
}

#[test]
fn plain_http_is_private_on_this_machine_only() {
    for private in ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"] {
        assert!(crate::tls::plain_is_private(private), "{private}");
    }
    for public in ["192.0.2.1", "localhost.example", "node.example", "[2001:db8::1]", "0.0.0.0", ""] {
        assert!(!crate::tls::plain_is_private(public), "{public}");
    }
}
