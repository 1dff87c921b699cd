//! A province as authority, a hospital and a doctor on a ledger without consensus, all admitted.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use yilian_api::{
    authority::{Application, EnrolRequest, RedeemRequest, TicketRequest},
    encoding::{from_base64, key_to_hex, signature_to_hex, to_base64, to_hex},
    ledger::{Approval, ApprovalRequest, TransactionStatus},
    signing::Statement,
};
use yilian_authority::{
    Authority, Chain, ChainError, Issuer, Settings, Standing, Store, Validity, transport::Pending,
};
use yilian_crypto::{
    Digest, Secret,
    certificate::{Contents, Level, Role},
    sign::SigningKey,
    ticket::{Class, Period, Request, TicketKey},
};
use yilian_ledger::{
    Entry, Name, Outcome, Time, Transaction,
    name::MemberId,
    transaction::{Action, Governance},
};
use yilian_testkit::ledger::{Chain as _, START, World, ticket_secret};

pub const YEAR: u64 = 365 * 86_400;
pub const VALIDITY: Validity =
    Validity { not_before: START.0 / 1000 - 1000, not_after: START.0 / 1000 + YEAR };
/// Two, to keep tests short: each costs a private operation of 3072-bit RSA.
pub const TICKETS: u32 = 2;

pub fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

/// A chain whose answers need no proof, since it is right here.
pub struct Here {
    pub world: Mutex<World>,
    /// Validators that co-sign, by index; those beyond sign something else.
    pub honest: Mutex<u16>,
    pub submitted: Mutex<usize>,
}

impl Chain for Here {
    fn entry(&self, name: Name, _: Time) -> Pending<'_, Result<Option<Entry>, ChainError>> {
        Box::pin(async move { Ok(self.world.lock().unwrap().state.get(&name).cloned()) })
    }

    fn committee(&self, _: Time) -> Pending<'_, Result<Vec<yilian_ledger::ValidatorKey>, ChainError>> {
        Box::pin(async move { Ok(self.world.lock().unwrap().genesis.committee.clone()) })
    }

    fn approvals(&self, request: ApprovalRequest) -> Pending<'_, Vec<Result<Approval, ChainError>>> {
        use commonware_codec::{Copying, DecodeExt as _};
        Box::pin(async move {
            let world = self.world.lock().unwrap();
            let action = Action::decode(Copying(&from_base64(&request.action, 10_000).unwrap())).unwrap();
            let honest = *self.honest.lock().unwrap();
            let sign = |(index, key): (usize, &SigningKey)| {
                let index = u16::try_from(index).unwrap();
                let until = if index < honest { request.valid_until } else { request.valid_until + 1 };
                let signature = Governance::approve(world.chain, &action, Time(until), key);
                Ok(Approval { index, signature: signature_to_hex(&signature) })
            };
            world.validators.iter().enumerate().map(sign).collect()
        })
    }

    fn submit<'a>(
        &'a self,
        transaction: &'a Transaction,
    ) -> Pending<'a, Result<TransactionStatus, ChainError>> {
        Box::pin(async move {
            *self.submitted.lock().unwrap() += 1;
            let mut world = self.world.lock().unwrap();
            let (height, time) = (world.height.0, world.time.0);
            Ok(match world.submit(transaction) {
                Ok(Outcome::Applied) => TransactionStatus::Applied { height, time },
                Ok(Outcome::Failed(refusal)) | Err(refusal) => TransactionStatus::Failed {
                    height,
                    time,
                    code: refusal.code().0.into(),
                    detail: String::new(),
                },
            })
        })
    }
}

pub struct Scene {
    pub authority: Arc<Authority>,
    pub chain: Arc<Here>,
    pub hospital: Issuer,
    pub hospital_key: SigningKey,
    pub dir: tempfile::TempDir,
}

/// Contents with nothing but what every member has.
pub fn contents(level: Level, subject: &str, key: &SigningKey) -> Contents {
    Contents {
        level,
        subject_id: subject.into(),
        name: format!("The {subject}"),
        roles: [Role::Hospital].into(),
        signing_key: key.verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: vec![],
        not_before: VALIDITY.not_before,
        not_after: VALIDITY.not_after,
    }
}

pub fn store_key() -> Secret<[u8; 32]> {
    Secret::new([5; 32])
}

impl Scene {
    pub fn new() -> Self {
        let mut world = World::new(1);
        let chain = world.chain;
        let dir = tempfile::tempdir().unwrap();
        let root = Issuer::new(None, world.root.certificate.der(), world.root.key.clone()).unwrap();
        let key = SigningKey::generate(&mut rng());
        let province = root.subordinate(contents(Level::Intermediate, "province", &key), key).unwrap();
        apply(&mut world, &root.add_member(chain, province.certificate()));
        let hospital_key = SigningKey::generate(&mut rng());
        let hospital = contents(Level::Institution, "hospital", &hospital_key);
        let hospital = province.subordinate(hospital, hospital_key.clone()).unwrap();
        apply(&mut world, &province.add_member(chain, hospital.certificate()));
        let authority = open(&dir.path().join("authority.redb"), &world, province);
        let chain = Here { world: Mutex::new(world), honest: Mutex::new(4), submitted: Mutex::new(0) };
        Self { authority: Arc::new(authority), chain: Arc::new(chain), hospital, hospital_key, dir }
    }

    pub fn now(&self) -> Time {
        self.chain.world.lock().unwrap().time
    }

    pub fn period(&self) -> Period {
        self.chain.world.lock().unwrap().period()
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("authority.redb")
    }

    pub fn submit(&self, transaction: &Transaction) {
        apply(&mut self.chain.world.lock().unwrap(), transaction);
    }

    /// The hospital's, from the ledger.
    pub async fn standing(&self, id: MemberId) -> Result<Standing, yilian_authority::AuthorityError> {
        yilian_authority::chain::standing(self.chain.as_ref(), id, self.now()).await.unwrap()
    }

    pub fn enrol_request(&self, patient: &str, time: Time) -> EnrolRequest {
        let id = self.hospital.id().0;
        let statement = Statement::enrol(&self.authority.chain().0, &id, patient, time.0);
        EnrolRequest {
            institution: to_hex(&id.0),
            patient: patient.into(),
            time: time.0,
            signature: signature_to_hex(&statement.sign(&self.hospital_key)),
        }
    }

    pub fn redeem_request(&self, code: &str, wallet: &SigningKey) -> RedeemRequest {
        let time = self.now().0;
        let statement = Statement::redeem(&self.authority.chain().0, code, time);
        RedeemRequest {
            code: code.into(),
            wallet: key_to_hex(&wallet.verifying_key()),
            time,
            signature: signature_to_hex(&statement.sign(wallet)),
        }
    }

    /// A wallet enrolled for a patient.
    pub async fn enrolled(&self, patient: &str) -> SigningKey {
        let wallet = SigningKey::generate(&mut rng());
        let standing = self.standing(self.hospital.id()).await.unwrap();
        let request = self.enrol_request(patient, self.now());
        let code = self.authority.enrol(&request, &standing, self.now()).unwrap().code;
        self.authority.redeem(&self.redeem_request(&code, &wallet), self.now()).unwrap();
        wallet
    }

    /// The ticket key that the ledger holds.
    pub fn ledger_key(&self, class: Class, period: Period) -> TicketKey {
        match self.chain.world.lock().unwrap().state.get(&Name::ticket_key(class, period)) {
            Some(Entry::TicketKey(key)) => key.clone(),
            other => panic!("no ticket key: {other:?}"),
        }
    }

    /// As many blinded messages as a request takes.
    pub fn blinded(&self, class: Class, period: Period) -> (Vec<Request>, Vec<Vec<u8>>) {
        let key = self.ledger_key(class, period);
        (0..TICKETS).map(|_| Request::new(&key, class, period, &mut rng()).unwrap()).unzip()
    }

    pub fn ticket_request(
        &self,
        key: &SigningKey,
        member: Option<Digest>,
        class: Class,
        period: Period,
        blinded: &[Vec<u8>],
    ) -> TicketRequest {
        let time = self.now().0;
        let chain = self.authority.chain().0;
        let statement = Statement::tickets(&chain, member.as_ref(), class.as_str(), period.0, blinded, time);
        TicketRequest {
            key: key_to_hex(&key.verifying_key()),
            member: member.map(|id| to_hex(&id.0)),
            class: class.as_str().into(),
            period: period.0,
            blinded: blinded.iter().map(|bytes| to_base64(bytes)).collect(),
            time,
            signature: signature_to_hex(&statement.sign(key)),
        }
    }

    /// An application to the province, signed.
    pub fn application(&self, subject: &str, key: &SigningKey) -> Application {
        let application = Application {
            level: Level::Institution as u8,
            issuer: to_hex(&self.authority.issuer().id().0.0),
            subject_id: subject.into(),
            name: format!("The {subject}"),
            roles: vec![Role::Hospital as u8, Role::Pharmacy as u8],
            signing_key: key_to_hex(&key.verifying_key()),
            sealing_key: None,
            delegatee_key: None,
            delegatee_proof: None,
            mailbox: Some(to_hex(&[7; 32])),
            gtin_prefixes: vec![],
            signature: String::new(),
        };
        self.signed(application, key)
    }

    pub fn signed(&self, mut application: Application, key: &SigningKey) -> Application {
        let statement = Statement::application(&self.authority.chain().0, &application);
        application.signature = signature_to_hex(&statement.sign(key));
        application
    }
}

fn apply(world: &mut World, transaction: &Transaction) {
    assert_eq!(world.submit(transaction), Ok(Outcome::Applied));
}

/// The authority over a store with the keys of the first five periods, of which genesis has two.
pub fn open(path: &std::path::Path, world: &World, issuer: Issuer) -> Authority {
    let store = Store::open(path, &store_key()).unwrap();
    let first = world.genesis.parameters.period(START);
    for ahead in 0..5 {
        for (at, class) in Class::ALL.into_iter().enumerate() {
            let secret = ticket_secret((2 * ahead as usize + at) % 4);
            store.import_ticket_key(class, Period(first.0 + ahead), secret).unwrap();
        }
    }
    let settings = Settings { tickets_per_period: TICKETS, ..Settings::default() };
    Authority::new(world.genesis.clone(), issuer, store, settings).unwrap()
}
