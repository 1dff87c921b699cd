//! Losing a phone: 24 words on an empty machine; two devices on one seed; a reader renews its keys.

use yilian_client::{ClientError, Wallet, content::Quiet, patient, reader};

use super::{
    opening::{Cast, INSURER},
    sharing::{LONGEST, grant},
    visit::Visits,
};
use crate::{
    demo::{
        cast::{World, certify},
        story::Story,
    },
    native::FileStore,
};

/// Tickets that pinning the imaging study takes: one for every started 4 MiB.
const IMAGING_TICKETS: usize = 48;

pub async fn play(story: &mut Story, world: &World, cast: &mut Cast, visits: &Visits) -> anyhow::Result<()> {
    pin(story, cast).await?;
    story.act("A lost phone: 24 words bring every record back");
    let before = cast.patient_1.wallet.state().records.len();
    let work = async {
        patient::backup::back_up(&cast.patient_1.client, &mut cast.patient_1.wallet).await?;
        Ok::<_, ClientError>(((), "encrypted, padded to a power of two, on every node".to_owned()))
    };
    story.step("Patient 1's wallet writes its backup", work).await?;

    let seed = cast.patient_1.seed.clone();
    let client = world.client_from(2);
    let work = async {
        let lane = patient::backup::claim_lane(&client, &seed).await?;
        let store = FileStore::new(world.files.join("empty-machine/wallet"));
        let mut wallet = Wallet::create(seed, client.chain(), lane, store).await?;
        let found = patient::recover::recover(&client, &mut wallet, &mut Quiet).await?;
        let mut read = 0;
        let indexes: Vec<_> = wallet.state().records.keys().copied().collect();
        for index in indexes {
            patient::read::read(&client, &mut wallet, index).await?;
            read += 1;
        }
        if found.records != before || read != before {
            return Err(ClientError::NotFound);
        }
        let seen = format!(
            "{} records and {} grants found on the chain, all {read} opened; this device draws from lane {}",
            found.records,
            found.grants,
            lane.number()
        );
        Ok::<_, ClientError>((wallet, seen))
    };
    let mut second = story.step("An empty machine gets the 24 words, nothing else", work).await?;
    let work = async {
        let backups = patient::backup::restore(&client, &mut second).await?;
        let readers = second.state().grants.values().filter(|grant| grant.reader.is_some()).count();
        if readers == 0 {
            return Err(ClientError::NotFound);
        }
        Ok::<_, ClientError>((
            (),
            format!("{backups} backup(s); whom {readers} grants were for is known again"),
        ))
    };
    story.step("The backup brings the rest", work).await?;

    let work = async {
        let first = &mut cast.patient_1;
        let (a, card_a) = patient::offer::offer(&first.client, &mut first.wallet, "").await?;
        let (b, card_b) = patient::offer::offer(&client, &mut second, "").await?;
        if a == b || card_a.draft == card_b.draft || card_a.mailbox.id == card_b.mailbox.id {
            return Err(ClientError::NotFound);
        }
        patient::offer::abandon(&mut first.wallet, a).await?;
        Ok::<_, ClientError>(((), format!("offers {a} and {b}: no key in common")))
    };
    story.step("Two devices on one seed make offers at once", work).await?;
    renewal(story, world, cast, visits).await
}

/// Not right after accepting: who wrote the attachment would see which entry it belongs to.
async fn pin(story: &mut Story, cast: &mut Cast) -> anyhow::Result<()> {
    story.act("The imaging study becomes the patient's to keep");
    story.tell("pinning waits for a time of its own, here for the next period's tickets …");
    let patient = &mut cast.patient_1;
    let work = async {
        patient.stock_for(IMAGING_TICKETS).await?;
        let left = patient::adopt::pin_attachments(&patient.client, &mut patient.wallet).await?;
        if left > 0 {
            return Err(ClientError::NoTickets);
        }
        let seen = "on two nodes, under one-time pin keys; no hospital can let it vanish".to_owned();
        Ok::<_, ClientError>(((), seen))
    };
    story.step("Patient 1's wallet pins the study that the doctor stored", work).await
}

/// The insurer renews its certificate with new keys; what was granted to the old ones stays readable.
async fn renewal(story: &mut Story, world: &World, cast: &mut Cast, visits: &Visits) -> anyhow::Result<()> {
    let (_, received) =
        grant(story, &mut cast.patient_1, visits.prescription, &cast.insurer, LONGEST).await?;
    let insurer = &mut cast.insurer;
    let work = async {
        let keys = insurer.member.keys.renewed();
        insurer.member = certify(world, &insurer.client, keys, INSURER).await?;
        let opened = reader::open(&insurer.client, &insurer.member, &received.opening).await?;
        let seen = format!(
            "key ring of {}; record {:.16}… opened",
            insurer.member.keys.generation() + 1,
            opened.record.aid().0
        );
        anyhow::Ok(((), seen))
    };
    story.step("The insurer renews its keys, and still opens what was granted before", work).await?;
    Ok(())
}
