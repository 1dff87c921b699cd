//! Visits: a doctor writes and signs, the patient looks, accepts or refuses, and owns.

use std::path::{Path, PathBuf};

use yilian_client::{
    ClientError,
    content::Quiet,
    patient::{self, inbox::ReceivedDraft},
    practitioner::{self, NewRecord},
    record::Attachment,
    wallet::index::RecordIndex,
};

use super::opening::Cast;
use crate::{
    demo::{
        cast::{Patient, Professional, World},
        inputs::{self, Bundle, Inputs},
        story::Story,
    },
    native::{FileSink, FileSource, rng},
    output::{bytes, short},
};

/// Size of the imaging study that travels as an attachment.
const IMAGING: u64 = 200_000_000;

/// What the next acts build upon.
pub struct Visits {
    /// Patient 1: the visit with the imaging study.
    pub visit: RecordIndex,
    /// Patient 1: holds a MedicationRequest, for the pharmacy.
    pub prescription: RecordIndex,
    /// Patient 1: own history, imported.
    pub history: Vec<RecordIndex>,
    /// Patient 2.
    pub summary: RecordIndex,
}

pub async fn play(
    story: &mut Story,
    world: &World,
    cast: &mut Cast,
    inputs: &Inputs,
) -> anyhow::Result<Visits> {
    story.act("A visit: the doctor writes and signs, the patient accepts and owns");
    let ips = naming_a_patient(&inputs.ips);
    let (prescriptions, others): (Vec<_>, Vec<_>) =
        naming_a_patient(&inputs.r4).into_iter().partition(|bundle| bundle.holds("MedicationRequest"));
    anyhow::ensure!(
        ips.len() >= 2 && !prescriptions.is_empty() && others.len() >= 4,
        "too few of the examples name a patient; `make setup` fetches them anew"
    );

    let file = imaging(story, world).await?;
    let attachment = attach(story, &cast.doctor, &file).await?;
    let with = vec![attachment.clone()];
    let visit = write_and_accept(story, &cast.doctor, &mut cast.patient_1, &ips[0], with).await?;
    read_attachment(story, world, &cast.patient_1, &attachment, &file).await?;
    let prescription =
        write_and_accept(story, &cast.doctor, &mut cast.patient_1, &prescriptions[0], Vec::new()).await?;
    refuse(story, &cast.doctor, &mut cast.patient_1, &others[0]).await?;
    let summary =
        write_and_accept(story, &cast.second_doctor, &mut cast.patient_2, &ips[1], Vec::new()).await?;

    story.act("A history of one's own: imported, self-recorded, shown as uncertified");
    let history = import(story, &mut cast.patient_1, &others[1..4]).await?;
    Ok(Visits { visit, prescription, history, summary })
}

fn naming_a_patient(bundles: &[Bundle]) -> Vec<Bundle> {
    let named = |bundle: &&Bundle| {
        yilian_client::record::Bundle::parse(&bundle.bytes).is_ok_and(|parsed| parsed.patient().is_ok())
    };
    bundles.iter().filter(named).cloned().collect()
}

async fn imaging(story: &mut Story, world: &World) -> anyhow::Result<PathBuf> {
    let path = world.files.join("imaging.bin");
    let work = async {
        let made = path.clone();
        tokio::task::spawn_blocking(move || inputs::imaging_file(made, IMAGING)).await??;
        anyhow::Ok(((), bytes(IMAGING)))
    };
    story.step("An imaging study is taken", work).await?;
    Ok(path)
}

async fn attach(story: &mut Story, doctor: &Professional, file: &Path) -> anyhow::Result<Attachment> {
    let work = async {
        let mut source = FileSource::open(file)?;
        let what = ("application/dicom", "Imaging study");
        let attachment =
            practitioner::attach(&doctor.client, &doctor.member, &mut source, what, &mut rng(), &mut Quiet)
                .await?;
        let seen = format!(
            "{} encrypted leaf by leaf, on two nodes as {}",
            bytes(attachment.length),
            attachment.cid
        );
        Ok::<_, ClientError>((attachment, seen))
    };
    story.step(format!("{} encrypts and stores it", doctor.name), work).await
}

/// The whole exchange: offer, write, look, accept.
pub async fn write_and_accept(
    story: &mut Story,
    doctor: &Professional,
    patient: &mut Patient,
    bundle: &Bundle,
    attachments: Vec<Attachment>,
) -> anyhow::Result<RecordIndex> {
    let draft = write(story, doctor, patient, bundle, attachments).await?;
    let what = format!("{} looks at it, and accepts", patient.name);
    let work = async {
        patient.stock().await?;
        let index = patient::adopt::accept(&patient.client, &mut patient.wallet, &draft, &mut rng()).await?;
        let record = patient::read::read(&patient.client, &mut patient.wallet, index).await?;
        let seen = format!(
            "record {index}, AID {}; read back: block certificate, proof, com, CID, signature, certified then",
            short(&record.aid().0.to_string())
        );
        Ok::<_, ClientError>((index, seen))
    };
    story.step(what, work).await
}

/// Up to the draft in the patient's inbox.
pub async fn write(
    story: &mut Story,
    doctor: &Professional,
    patient: &mut Patient,
    bundle: &Bundle,
    attachments: Vec<Attachment>,
) -> anyhow::Result<ReceivedDraft> {
    let what = format!("{} shows a card, {} writes {}", patient.name, doctor.name, bundle.name);
    let work = async {
        let (offer, card) = patient::offer::offer(&patient.client, &mut patient.wallet, "").await?;
        let record = NewRecord { bundle: bundle.bytes.clone(), attachments, supersedes: None };
        let sent = practitioner::write(&doctor.client, &doctor.member, &card, record, &mut rng()).await?;
        let inbox = patient::inbox::inbox(&patient.client, &patient.wallet).await?;
        let draft = inbox.drafts.into_iter().find(|draft| draft.offer == offer);
        let draft = draft.ok_or(ClientError::NotFound)?;
        let seen = format!(
            "{} of FHIR, {} of ciphertext; draft verified: {}, certified now",
            bytes(bundle.bytes.len() as u64),
            bytes(sent.stored.bytes),
            draft.author.name(),
        );
        Ok::<_, ClientError>((draft, seen))
    };
    story.step(what, work).await
}

async fn refuse(
    story: &mut Story,
    doctor: &Professional,
    patient: &mut Patient,
    bundle: &Bundle,
) -> anyhow::Result<()> {
    let draft = write(story, doctor, patient, bundle, Vec::new()).await?;
    let what = format!("{} refuses it, with a reason only {} can read", patient.name, doctor.name);
    let work = async {
        let reason = "This is not my record.";
        patient::inbox::refuse(&patient.client, &mut patient.wallet, &draft, reason, &mut rng()).await?;
        let refusals = practitioner::refusals(&doctor.client, &doctor.member).await?;
        let statement = draft.document.statement().id();
        let got = refusals.iter().find(|r| r.refusal.statement == statement).ok_or(ClientError::NotFound)?;
        Ok::<_, ClientError>((
            (),
            format!("“{}”; nothing was written to the chain", got.refusal.reason.as_str()),
        ))
    };
    story.step(what, work).await
}

async fn read_attachment(
    story: &mut Story,
    world: &World,
    patient: &Patient,
    attachment: &Attachment,
    original: &Path,
) -> anyhow::Result<()> {
    let work = async {
        let target = world.files.join("imaging-read-back.bin");
        let mut sink = FileSink::create(&target)?;
        patient::read::read_attachment(&patient.client, attachment, &mut sink, &mut Quiet).await?;
        sink.finish(&target)?;
        anyhow::ensure!(same(original, &target)?, "the study read back differs");
        let seen = format!(
            "{} verified block by block while it streamed; byte for byte the same",
            bytes(attachment.length)
        );
        anyhow::Ok(((), seen))
    };
    story.step(format!("{} opens the imaging study", patient.name), work).await
}

fn same(a: &Path, b: &Path) -> anyhow::Result<bool> {
    use std::io::{BufReader, Read as _};
    let (mut a, mut b) = (BufReader::new(std::fs::File::open(a)?), BufReader::new(std::fs::File::open(b)?));
    let (mut x, mut y) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let n = a.read(&mut x)?;
        if n == 0 {
            return Ok(b.read(&mut y)? == 0);
        }
        if b.read_exact(&mut y[..n]).is_err() || x[..n] != y[..n] {
            return Ok(false);
        }
    }
}

async fn import(
    story: &mut Story,
    patient: &mut Patient,
    bundles: &[Bundle],
) -> anyhow::Result<Vec<RecordIndex>> {
    let what = format!("{} imports {} bundles from elsewhere", patient.name, bundles.len());
    let work = async {
        patient.stock().await?;
        let raw: Vec<_> = bundles.iter().map(|b| b.bytes.clone()).collect();
        let imported =
            patient::own::import(&patient.client, &mut patient.wallet, &raw, &mut Quiet, &mut rng()).await;
        let indexes: Result<Vec<_>, _> = imported.into_iter().map(|one| one.outcome).collect();
        let indexes = indexes?;
        let names: Vec<_> = bundles.iter().map(|b| b.name.as_str()).collect();
        Ok::<_, ClientError>((indexes, format!("{}; signed by the owner keys", names.join(", "))))
    };
    story.step(what, work).await
}
