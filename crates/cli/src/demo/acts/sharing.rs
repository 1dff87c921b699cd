//! Sharing: one record to one reader, a dossier, withdrawal, expiry.

use std::time::Duration;

use yilian_client::{
    ClientError,
    patient::{
        self,
        grant::{Delivery, Terms},
    },
    reader::{self, GrantedRecord, ReceivedGrant},
    wallet::index::{GrantIndex, RecordIndex},
};

use super::{opening::Cast, visit::Visits};
use crate::{
    demo::{
        cast::{Patient, Professional},
        story::Story,
    },
    native::rng,
    output,
};

/// Index of the shortest expiry class.
pub const SHORTEST: u8 = 0;
/// Index of the longest.
pub const LONGEST: u8 = 3;

/// Grants that later acts play with.
pub struct Shares {
    /// Prescription to the pharmacy; still stands.
    pub prescription: (GrantIndex, ReceivedGrant),
    /// Visit to the insurer, withdrawn.
    pub withdrawn: (GrantIndex, ReceivedGrant),
}

pub async fn play(story: &mut Story, cast: &mut Cast, visits: &Visits) -> anyhow::Result<Shares> {
    story.act("A grant: one record to one reader, re-encrypted by the chain");
    let patient = &mut cast.patient_1;
    let (index, received) = grant(story, patient, visits.prescription, &cast.pharmacy, LONGEST).await?;
    open(story, &cast.pharmacy, &received).await?;
    log(story, patient).await?;

    let (_, expiring) = grant(story, &mut cast.patient_2, visits.summary, &cast.researcher, SHORTEST).await?;
    let opened = open(story, &cast.researcher, &expiring).await?;

    story.act("A dossier: several records by one grant, so that no burst links them");
    dossier(story, cast, visits).await?;

    story.act("Withdrawal and expiry: honest words about both");
    let patient = &mut cast.patient_1;
    let (granted, withdrawn) = grant(story, patient, visits.visit, &cast.insurer, LONGEST).await?;
    open(story, &cast.insurer, &withdrawn).await?;
    withdraw(story, patient, visits.visit, granted).await?;
    ended(story, &cast.insurer, &withdrawn, "the insurer asks again after the withdrawal").await;
    expire(story, &cast.researcher, &expiring, &opened).await?;
    Ok(Shares { prescription: (index, received), withdrawn: (granted, withdrawn) })
}

/// Grants face to face and hands over what the reader finds in her mailbox.
pub async fn grant(
    story: &mut Story,
    patient: &mut Patient,
    record: RecordIndex,
    reader: &Professional,
    expiry_class: u8,
) -> anyhow::Result<(GrantIndex, ReceivedGrant)> {
    let what = format!("{} grants record {record} to {}", patient.name, reader.name);
    let work = async {
        patient.stock().await?;
        let card = patient.client.reader_card(reader.member.id).await?;
        let terms = Terms { record, reader: &card, expiry_class, delivery: Delivery::Now, note: "" };
        let index = patient::grant::grant(&patient.client, &mut patient.wallet, terms, &mut rng()).await?;
        let bid = patient.wallet.keys().bid(record, index);
        let inbox = reader::inbox(&reader.client, &reader.member).await?;
        let received = inbox.into_iter().find(|got| got.opening.bid == bid).ok_or(ClientError::NotFound)?;
        let expiry =
            patient.wallet.state().grants.get(&(record, index)).map(|g| g.expiry.0).unwrap_or_default();
        let seen = format!(
            "BID {}, ends {}; the chain saw no reader",
            output::short(&bid.0.to_string()),
            output::time(expiry)
        );
        Ok::<_, ClientError>(((index, received), seen))
    };
    story.step(what, work).await
}

pub async fn open(
    story: &mut Story,
    reader: &Professional,
    received: &ReceivedGrant,
) -> anyhow::Result<GrantedRecord> {
    let work = async {
        let opened = reader::open(&reader.client, &reader.member, &received.opening).await?;
        let seen = format!("“{}”: {}", title(&opened), verified(&opened));
        Ok::<_, ClientError>((opened, seen))
    };
    story.step(format!("{} opens it, every answer verified", reader.name), work).await
}

fn title(opened: &GrantedRecord) -> String {
    let summary = opened.record.summary();
    let title = if summary.title.as_str().is_empty() { &summary.kind } else { &summary.title };
    title.as_str().to_owned()
}

fn verified(opened: &GrantedRecord) -> String {
    use yilian_client::opened::Authorship;
    match opened.record.document().authorship() {
        Authorship::Clinical(author) => {
            let at = output::time(opened.record.time().0);
            format!("signed by {} of {}, certified at {at}", author.name(), author.institution())
        }
        Authorship::SelfRecorded => "self-recorded, uncertified".into(),
    }
}

async fn log(story: &mut Story, patient: &mut Patient) -> anyhow::Result<()> {
    let what = format!("{} sees in the access log who opened what", patient.name);
    let work = async {
        let log = patient::access::access_log(&patient.client, &mut patient.wallet).await?;
        let entry = log.iter().find_map(|access| Some((access.reader.as_ref()?, access.opened?)));
        let (reader, opened) = entry.ok_or(ClientError::NotFound)?;
        let seen = format!(
            "first fetched by {} at {}, by signed receipt",
            reader.name.as_str(),
            output::time(opened.0)
        );
        Ok::<_, ClientError>(((), seen))
    };
    story.step(what, work).await
}

async fn dossier(story: &mut Story, cast: &mut Cast, visits: &Visits) -> anyhow::Result<()> {
    let mut records = vec![visits.visit];
    records.extend(&visits.history);
    let patient = &mut cast.patient_1;
    let what = format!("{} puts {} records into a dossier", patient.name, records.len());
    let work = async {
        patient.stock().await?;
        let index = patient::dossier::dossier(
            &patient.client,
            &mut patient.wallet,
            "For the claim",
            &records,
            &mut rng(),
        )
        .await?;
        Ok::<_, ClientError>((index, format!("record {index}; to the chain one record more")))
    };
    let index = story.step(what, work).await?;
    let (_, received) = grant(story, patient, index, &cast.insurer, LONGEST).await?;
    let insurer = &cast.insurer;
    let work = async {
        let opened = reader::open(&insurer.client, &insurer.member, &received.opening).await?;
        let dossier = opened.dossier().ok_or(ClientError::WrongEntry)?;
        let records = reader::open_dossier(&insurer.client, dossier).await;
        let records: Vec<_> = records.into_iter().collect::<Result<_, _>>()?;
        let clinical = records
            .iter()
            .filter(|r| r.record.summary().class == yilian_client::record::Class::Clinical)
            .count();
        let seen =
            format!("{clinical} clinical, {} self-recorded, each with every check", records.len() - clinical);
        Ok::<_, ClientError>(((), seen))
    };
    story.step(format!("{} opens all of it by one grant", insurer.name), work).await
}

async fn withdraw(
    story: &mut Story,
    patient: &mut Patient,
    record: RecordIndex,
    grant: GrantIndex,
) -> anyhow::Result<()> {
    let what = format!("{} withdraws it", patient.name);
    let work = async {
        let at = patient::grant::withdraw(&patient.client, &mut patient.wallet, record, grant).await?;
        let seen = format!(
            "a tombstone since {}. No one can fetch it any more; who has read it may remember it",
            output::time(at.0)
        );
        Ok::<_, ClientError>(((), seen))
    };
    story.step(what, work).await
}

async fn ended(story: &mut Story, reader: &Professional, received: &ReceivedGrant, what: &str) {
    reader.client.refresh();
    let work = async {
        reader::open(&reader.client, &reader.member, &received.opening)
            .await
            .map_err(|error| (error.code().to_owned(), error.to_string()))
    };
    story.attack(what, "grant.ended", work).await;
}

/// Waits until the chain has ended the grant by itself.
async fn expire(
    story: &mut Story,
    reader: &Professional,
    received: &ReceivedGrant,
    opened: &GrantedRecord,
) -> anyhow::Result<()> {
    story.tell(format_args!("waiting for the period's end at {} …", output::time(opened.expiry.0)));
    // It ends by the ledger's time; an idle chain makes a block every ten seconds.
    let past = async {
        loop {
            reader.client.refresh();
            let time = reader.client.header().await?.header().time;
            if time >= opened.expiry {
                return Ok::<_, ClientError>(((), format!("the chain's time is {}", output::time(time.0))));
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    story.step("The chain comes to the end of the period", past).await?;
    ended(story, reader, received, "the researcher asks again after the expiry").await;
    Ok(())
}
