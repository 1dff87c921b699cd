//! The attacks, each with the error it gets. The attacker is the worst kind: enrolled, with tickets of its own.

use commonware_codec::Encode as _;
use yilian_api::{ledger::Submitted, problem::Problem};
use yilian_client::{ClientError, patient, practitioner, reader};
use yilian_crypto::{
    Digest, Label,
    certificate::{Contents, Level, Role, issue},
    sign::SigningKey,
    ticket::TicketWithKey,
};
use yilian_delegation::{Blinding, DelegatorSecretKey, Wrap};
use yilian_ledger::{
    Kind, Time, Transaction,
    name::Bid,
    transaction::{AddMember, Body, Create, Grant, Withdraw},
};

use super::{
    opening::Cast,
    sharing::Shares,
    visit::{self, Visits},
};
use crate::{
    demo::{
        cast::{Patient, World, issuer_of},
        inputs::Inputs,
        liar::{Liar, Lie},
        story::Story,
    },
    http::Http,
    native::rng,
    output::short,
    trust::Trust,
};

type Refused = (String, String);

pub async fn play(
    story: &mut Story,
    world: &World,
    cast: &mut Cast,
    visits: &Visits,
    shares: &Shares,
    inputs: &Inputs,
) -> anyhow::Result<()> {
    let mut insider = Insider::enrol(world, cast).await?;
    story.act("Attacks on the chain: what it refuses");
    insider.forge(story).await?;
    insider.squat_and_replay(story, cast, shares).await?;
    malformed(story, &insider).await;
    story.act("Attacks by members: strangers, forged certificates, a revoked doctor");
    strangers(story, world, cast, shares).await;
    members(story, world, cast, &insider).await?;
    revoked_doctor(story, world, cast, inputs).await?;
    story.act("Attacks by nodes: what a client does not believe");
    lying_nodes(story, world, cast, visits).await
}

fn of(error: &ClientError) -> Refused {
    (error.code().to_owned(), error.to_string())
}

/// An enrolled attacker: a wallet's tickets without a wallet's manners.
struct Insider {
    patient: Patient,
    http: Http,
    url: String,
    tickets: Vec<TicketWithKey>,
}

impl Insider {
    async fn enrol(world: &World, cast: &Cast) -> anyhow::Result<Self> {
        let patient = Patient::new(world, "Insider", 3).await?;
        let hospital = &cast.hospital_1;
        let code = practitioner::enrol_patient(&hospital.client, &hospital.member, "Insider").await?;
        patient::enrol::redeem(&patient.client, &patient.wallet, &code.code).await?;
        let url = world.network.urls().pop().unwrap_or_default();
        Ok(Self { patient, http: Http::new(&Trust::default())?, url, tickets: Vec::new() })
    }

    /// A ticket that is good now.
    async fn ticket(&mut self) -> anyhow::Result<TicketWithKey> {
        let client = &self.patient.client;
        let parameters = client.parameters().await?;
        let now = client.now();
        let good = |ticket: &TicketWithKey| {
            parameters.ticket_window(ticket.ticket.period, Time(now.0 + 3000)).is_ok()
        };
        self.tickets.retain(good);
        if self.tickets.is_empty() {
            self.patient.stock().await?;
            let held = self.patient.wallet.state().tickets.iter().map(|held| held.0.clone());
            self.tickets = held.filter(|t| t.ticket.period == parameters.period(now)).collect();
        }
        self.tickets.pop().ok_or_else(|| anyhow::anyhow!("the insider has no ticket of this period left"))
    }

    /// Posts bytes as they are, and waits for what becomes of them.
    async fn post(&self, bytes: Vec<u8>) -> Result<(), Refused> {
        let url = format!("{}/v1/transactions?wait=finalized", self.url);
        let octets = Some("application/octet-stream");
        let sent = self.http.exchange(reqwest::Method::POST, &url, octets, bytes, 1 << 20).await;
        let (status, body) = sent.map_err(|error| ("transport".to_owned(), error.to_string()))?;
        let parse_failed = |e: serde_json::Error| ("answer".to_owned(), e.to_string());
        if !(200..300).contains(&status) {
            let problem: Problem = serde_json::from_slice(&body).map_err(parse_failed)?;
            return Err((problem.code, problem.detail));
        }
        let submitted: Submitted = serde_json::from_slice(&body).map_err(parse_failed)?;
        match submitted.status {
            yilian_api::ledger::TransactionStatus::Failed { code, detail, .. } => Err((code, detail)),
            _ => Ok(()),
        }
    }

    fn create(&self, owner: &SigningKey, ticket: &TicketWithKey) -> anyhow::Result<Transaction> {
        let delegator = DelegatorSecretKey::from_seed(&yilian_crypto::Secret::random(&mut rng()));
        let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut rng());
        let data_key = yilian_crypto::Secret::random(&mut rng());
        let wrapped = key.wrap(&Wrap { data_key, codec: 0x55, digest: Digest([7; 32]) })?;
        let chain = self.patient.client.chain();
        Ok(Create::sign(chain, owner, capsule, wrapped, Digest([9; 32]), std::slice::from_ref(ticket)))
    }

    async fn forge(&mut self, story: &mut Story) -> anyhow::Result<()> {
        let owner = SigningKey::generate(&mut rng());
        let mut forged = self.ticket().await?;
        forged.ticket.signature[17] ^= 1;
        let transaction = self.create(&owner, &forged)?;
        let post = self.post(transaction.encode().to_vec());
        story.attack("A forged ticket", "ticket.forged", post).await;

        let ticket = self.ticket().await?;
        let first = self.create(&owner, &ticket)?;
        let work = async {
            self.post(first.encode().to_vec())
                .await
                .map_err(|(code, said)| anyhow::anyhow!("{code}: {said}"))?;
            anyhow::Ok(((), "one ticket, one entry".to_owned()))
        };
        story.step("The insider writes an entry honestly", work).await?;
        let second = self.create(&SigningKey::generate(&mut rng()), &ticket)?;
        let post = self.post(second.encode().to_vec());
        story.attack("The same ticket for a second entry", "ticket.spent", post).await;

        let ticket = self.ticket().await?;
        let again = self.create(&owner, &ticket)?;
        let post = self.post(again.encode().to_vec());
        story.attack("Another content for an AID that exists", "record.exists", post).await;
        Ok(())
    }

    async fn squat_and_replay(
        &mut self,
        story: &mut Story,
        cast: &Cast,
        shares: &Shares,
    ) -> anyhow::Result<()> {
        let chain = self.patient.client.chain();
        // A Create seen on its way, entered first under another ticket.
        let ticket = self.ticket().await?;
        let seen = self.create(&SigningKey::generate(&mut rng()), &ticket)?;
        let mine = self.ticket().await?;
        let copied = repaid(seen, &mine);
        let post = self.post(copied.encode().to_vec());
        story.attack("A Create copied on its way, under another ticket", "signature.owner", post).await;

        // The pharmacy knows the owner's public key; that does not make it the owner.
        let reader = cast.insurer.member.keys.delegatee().public();
        let thief = DelegatorSecretKey::from_seed(&yilian_crypto::Secret::random(&mut rng()));
        let rk = thief.rekey(&reader, &Blinding::from_seed(&yilian_crypto::Secret::random(&mut rng())));
        let valid_until = Time(self.patient.client.now().0 + 60_000);
        let wk = SigningKey::generate(&mut rng());
        let ticket = self.ticket().await?;
        let stranger = SigningKey::generate(&mut rng());
        let own = Grant::sign(chain, &stranger, &wk, rk, 0, valid_until, std::slice::from_ref(&ticket));
        let post = self.post(forge_owner(own, shares, &ticket).encode().to_vec());
        story.attack("A grant of somebody else's record", "signature.owner", post).await;

        // Grant, withdraw, and the very same grant again.
        let owner = SigningKey::generate(&mut rng());
        let ticket = self.ticket().await?;
        let create = self.create(&owner, &ticket)?;
        let ticket = self.ticket().await?;
        let grant = Grant::sign(chain, &owner, &wk, rk, 3, valid_until, std::slice::from_ref(&ticket));
        let withdraw = Withdraw::sign(chain, &wk);
        let work = async {
            for transaction in [&create, &grant, &withdraw] {
                let posted = self.post(transaction.encode().to_vec()).await;
                posted.map_err(|(code, said)| anyhow::anyhow!("{code}: {said}"))?;
            }
            anyhow::Ok(((), format!("BID {}", short(&Bid::of(&wk.verifying_key()).0.to_string()))))
        };
        story.step("The insider grants its own record and withdraws", work).await?;
        let ticket = self.ticket().await?;
        let anew = Grant::sign(chain, &owner, &wk, rk, 3, valid_until, std::slice::from_ref(&ticket));
        let post = self.post(anew.encode().to_vec());
        story.attack("The withdrawn BID used again", "grant.bid-ended", post).await;
        let mine = self.ticket().await?;
        let post = self.post(repaid(grant, &mine).encode().to_vec());
        story.attack("The grant played again, under a new ticket", "signature.owner", post).await;
        let nobody = Withdraw::sign(chain, &SigningKey::generate(&mut rng()));
        let post = self.post(nobody.encode().to_vec());
        story.attack("A withdrawal of a grant that never was", "withdraw.unknown", post).await;
        Ok(())
    }
}

/// The transaction with the attacker's ticket in place of the right one, signed by the attacker's one-time key.
fn repaid(mut transaction: Transaction, ticket: &TicketWithKey) -> Transaction {
    let unsigned = yilian_crypto::sign::Signature::from_bytes([0; 64]);
    set_payment(&mut transaction.body, ticket, unsigned);
    let paid = transaction.body.paid().unwrap_or_default();
    let signature = ticket.one_time.sign(Label::TicketSignature, &[transaction.chain.0.as_ref(), &paid]);
    set_payment(&mut transaction.body, ticket, signature);
    transaction
}

fn set_payment(body: &mut Body, ticket: &TicketWithKey, signature: yilian_crypto::sign::Signature) {
    let payment = match body {
        Body::Create(create) => &mut create.payment,
        Body::Grant(grant) => &mut grant.payment,
        _ => return,
    };
    payment.tickets = vec![(ticket.ticket.clone(), signature)];
}

/// Puts the victim's owner key into a grant that somebody else signed.
fn forge_owner(mut transaction: Transaction, shares: &Shares, ticket: &TicketWithKey) -> Transaction {
    if let Body::Grant(grant) = &mut transaction.body {
        grant.owner = shares.prescription.1.opening.owner;
    }
    repaid(transaction, ticket)
}

async fn malformed(story: &mut Story, insider: &Insider) {
    let withdraw = Withdraw::sign(insider.patient.client.chain(), &SigningKey::generate(&mut rng()));
    let good = withdraw.encode().to_vec();
    let truncated = insider.post(good[..good.len() - 1].to_vec());
    story.attack("A truncated transaction", "transaction.malformed", truncated).await;
    let trailing = insider.post([good.clone(), vec![0]].concat());
    story.attack("A transaction with a byte too many", "transaction.malformed", trailing).await;
    let huge = insider.post(vec![0; (1 << 20) + 1]);
    story.attack("A transaction of more than 1 MiB", "transaction.too-large", huge).await;
    let mut elsewhere = withdraw.clone();
    elsewhere.chain.0.0[0] ^= 1;
    let elsewhere = insider.post(elsewhere.encode().to_vec());
    story.attack("A transaction of another chain", "transaction.chain", elsewhere).await;
}

async fn strangers(story: &mut Story, world: &World, cast: &Cast, shares: &Shares) {
    // The opening message was stolen from the pharmacy; the researcher has no key for it.
    let opening = &shares.prescription.1.opening;
    let researcher = &cast.researcher;
    let work = async {
        reader::open(&world.client_from(0), &researcher.member, opening).await.map_err(|error| of(&error))
    };
    story.attack("A stranger opens a grant with a stolen message", "grant.other-reader", work).await;
    let work = async {
        let withdrawn = &shares.withdrawn.1.opening;
        reader::open(&world.client_from(1), &cast.insurer.member, withdrawn).await.map_err(|error| of(&error))
    };
    story.attack("A withdrawn grant, asked of another node", "grant.ended", work).await;
}

async fn members(story: &mut Story, world: &World, cast: &Cast, insider: &Insider) -> anyhow::Result<()> {
    let now = cast.hospital_1.client.now().0 / 1000;
    let contents = |level, subject_id: &str, key: &SigningKey| Contents {
        level,
        subject_id: subject_id.into(),
        name: subject_id.into(),
        roles: [Role::Doctor].into_iter().collect(),
        signing_key: key.verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: Vec::new(),
        not_before: now - 60,
        not_after: now + 3600,
    };
    // A certificate by another root, under the name of a hospital of this chain.
    let key = SigningKey::generate(&mut rng());
    let mut root = contents(Level::Root, "another-root", &key);
    root.roles.clear();
    let root = issue(&root, None, &key)?;
    let mut middle = contents(Level::Intermediate, "another-authority", &key);
    middle.roles.clear();
    let middle = issue(&middle, Some(&root), &key)?;
    let mut hospital = contents(Level::Institution, "hospital-1", &key);
    hospital.roles = [Role::Hospital].into_iter().collect();
    let hospital = issue(&hospital, Some(&middle), &key)?;
    let add = AddMember { issuer: world.issuer, certificate: hospital.der().to_vec() };
    let foreign = Transaction { chain: insider.patient.client.chain(), body: Body::AddMember(add) };
    let post = insider.post(foreign.encode().to_vec());
    story.attack("A certificate of another root", "certificate.issuer", post).await;

    // A hospital certifies a delegatee key that was computed from the pharmacy's, with the pharmacy's own proof.
    let issuer = issuer_of(world, &cast.hospital_1)?;
    let mut related = contents(Level::Practitioner, "related-key", &SigningKey::generate(&mut rng()));
    related.delegatee = cast.pharmacy.member.certificate.contents().delegatee.clone();
    let certificate = issuer.certify(&related);
    let transaction = certificate.map(|c| issuer.add_member(insider.patient.client.chain(), &c))?;
    let post = insider.post(transaction.encode().to_vec());
    story
        .attack("Somebody's delegatee key certified without its secret", "certificate.possession", post)
        .await;
    Ok(())
}

async fn revoked_doctor(
    story: &mut Story,
    world: &World,
    cast: &mut Cast,
    inputs: &Inputs,
) -> anyhow::Result<()> {
    let doctor = &cast.second_doctor;
    let id = doctor.member.id;
    // Written while certified; the patient has not accepted yet.
    let bundle = inputs.ips.iter().find(|bundle| {
        yilian_client::record::Bundle::parse(&bundle.bytes).is_ok_and(|parsed| parsed.patient().is_ok())
    });
    let bundle = bundle.ok_or_else(|| anyhow::anyhow!("no summary names a patient"))?;
    let draft = visit::write(story, doctor, &mut cast.patient_2, bundle, Vec::new()).await?;
    let hospital = &cast.hospital_2;
    let work = async {
        let issuer = issuer_of(world, hospital)?;
        let transaction = issuer.revoke(hospital.client.chain(), Level::Practitioner, id, None)?;
        let revoked = |entry: &yilian_ledger::Entry| matches!(entry, yilian_ledger::Entry::Member(member) if member.revoked.is_some());
        hospital.client.apply(&transaction, &id.name(Kind::Practitioner), revoked).await?;
        anyhow::Ok(((), "on the ledger, with its time".to_owned()))
    };
    story.step("Hospital 2 revokes Doctor 2", work).await?;

    let patient = &mut cast.patient_2;
    patient.stock().await?;
    let fresh = world.client_from(2);
    let work = async {
        let inbox = patient::inbox::inbox(&fresh, &patient.wallet).await.map_err(|error| of(&error))?;
        match inbox.unreadable.into_iter().find(|message| message.offer == draft.offer) {
            Some(message) => Err(of(&message.reason)),
            None => Ok(()),
        }
    };
    story
        .attack("A draft of before, looked at after the revocation", "directory.not-certified-then", work)
        .await;
    let work = async {
        let (_, card) =
            patient::offer::offer(&patient.client, &mut patient.wallet, "").await.map_err(|e| of(&e))?;
        let record = practitioner::NewRecord { bundle: bundle.bytes.clone(), ..Default::default() };
        practitioner::write(&doctor.client, &doctor.member, &card, record, &mut rng())
            .await
            .map_err(|e| of(&e))
    };
    story.attack("The revoked doctor writes another", "payment.member", work).await;
    Ok(())
}

async fn lying_nodes(
    story: &mut Story,
    world: &World,
    cast: &mut Cast,
    visits: &Visits,
) -> anyhow::Result<()> {
    let lies = [
        (Lie::FlippedContent, "A node serves a block of content with a flipped bit", "node.lies"),
        (Lie::ForgedBucket, "A node serves a forged state proof", "node.lies"),
        (Lie::ShortBucket, "A node leaves an entry out of a bucket", "node.lies"),
        (Lie::OldHeader, "A node serves yesterday's state", "node.stale"),
    ];
    // A node that has the content.
    let pins = &cast.patient_1.wallet.state().pins;
    let holder = pins.first().map(|pin| pin.node.as_str().to_owned()).unwrap_or_default();
    let node = world.network.urls().iter().position(|url| *url == holder).unwrap_or_default();
    for (lie, what, code) in lies {
        let patient = &mut cast.patient_1;
        let liar = Liar::at(world, lie, node);
        let client = liar.client_alone(world);
        let work = async {
            patient::read::read(&client, &mut patient.wallet, visits.visit).await.map_err(|error| of(&error))
        };
        story.attack(what, code, work).await;
    }
    let patient = &mut cast.patient_1;
    let liar = Liar::at(world, Lie::ForgedBucket, 0);
    let client = liar.client_among_honest(world);
    let work = async {
        patient::read::read(&client, &mut patient.wallet, visits.visit).await?;
        let reports = client.reports();
        let report = reports.first().ok_or(ClientError::NotFound)?;
        Ok::<_, ClientError>((
            (),
            format!("read from an honest node; reported: {} — {}", report.node, report.fault),
        ))
    };
    story.step("With honest nodes beside it, the liar is named and passed over", work).await
}
