//! The network comes up, members are admitted, patients enrol.

use yilian_client::practitioner;
use yilian_crypto::certificate::Role;
use yilian_ledger::name::MemberId;

use crate::demo::{
    cast::{Patient, Post, Professional, World, admit_institution, admit_practitioner},
    story::Story,
};

/// Everybody of the story.
pub struct Cast {
    pub hospital_1: Professional,
    pub hospital_2: Professional,
    pub doctor: Professional,
    /// Of hospital 2; revoked before the end.
    pub second_doctor: Professional,
    pub pharmacy: Professional,
    pub insurer: Professional,
    pub researcher: Professional,
    pub patient_1: Patient,
    pub patient_2: Patient,
}

pub const INSURER: Post = Post { name: "Insurer", subject_id: "insurer-1", roles: &[Role::Insurer] };

/// The issuer's member id, from the authority's folder.
pub fn issuer(network: &crate::network::Network) -> anyhow::Result<MemberId> {
    let folder = network.authority_folder();
    let issuer = folder.issuer()?;
    Ok(MemberId::of(Some(folder.root_id()?), &issuer.contents().subject_id))
}

pub async fn play(story: &mut Story, world: &World) -> anyhow::Result<Cast> {
    story.act("Admission: who may write and read");
    let post = |name, subject_id, roles| Post { name, subject_id, roles };
    let posts = [
        post("Hospital 1", "hospital-1", &[Role::Hospital][..]),
        post("Hospital 2", "hospital-2", &[Role::Hospital][..]),
        post("Pharmacy", "pharmacy-1", &[Role::Pharmacy][..]),
        INSURER,
        post("Researcher", "researcher-1", &[Role::Researcher][..]),
    ];
    let mut admitted = Vec::new();
    for (place, post) in posts.into_iter().enumerate() {
        let what = format!("{} applies, the authority's operator admits it", post.name);
        let member = async {
            let member = admit_institution(world, post, place).await?;
            let seen = format!("certificate {} B on the ledger", member.member.certificate.der().len());
            anyhow::Ok((member, seen))
        };
        admitted.push(story.step(what, member).await?);
    }
    let [hospital_1, hospital_2, pharmacy, insurer, researcher] =
        <[Professional; 5]>::try_from(admitted).map_err(|_| anyhow::anyhow!("five were to be admitted"))?;
    let doctor =
        certify_doctor(story, world, &hospital_1, post("Doctor 1", "doctor-1", &[Role::Doctor])).await?;
    let second = post("Doctor 2", "doctor-2", &[Role::Doctor]);
    let second_doctor = certify_doctor(story, world, &hospital_2, second).await?;

    story.act("Enrolment: patients get tickets, and nobody can tell whose they are");
    let patient_1 = enrol(story, world, &hospital_1, "Patient 1", 0).await?;
    let patient_2 = enrol(story, world, &hospital_2, "Patient 2", 1).await?;
    Ok(Cast {
        hospital_1,
        hospital_2,
        doctor,
        second_doctor,
        pharmacy,
        insurer,
        researcher,
        patient_1,
        patient_2,
    })
}

async fn certify_doctor(
    story: &mut Story,
    world: &World,
    hospital: &Professional,
    post: Post,
) -> anyhow::Result<Professional> {
    let what = format!("{} certifies {}", hospital.name, post.name);
    let work = async {
        let doctor = admit_practitioner(world, hospital, post, 1).await?;
        anyhow::Ok((doctor, "the chain checked certificate, issuer and proof of possession".to_owned()))
    };
    story.step(what, work).await
}

async fn enrol(
    story: &mut Story,
    world: &World,
    hospital: &Professional,
    name: &'static str,
    first_node: usize,
) -> anyhow::Result<Patient> {
    let what = format!("{name} makes a wallet, shows a card at {}, redeems the code", hospital.name);
    let work = async {
        let mut patient = Patient::new(world, name, first_node).await?;
        let code = practitioner::enrol_patient(&hospital.client, &hospital.member, name).await?;
        yilian_client::patient::enrol::redeem(&patient.client, &patient.wallet, &code.code).await?;
        let tickets = patient.stock().await?;
        let seen = format!("24 words; {tickets} tickets, signed blindly, verified under the ledger's key");
        anyhow::Ok((patient, seen))
    };
    story.step(what, work).await
}
