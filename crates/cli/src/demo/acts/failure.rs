//! A validator dies; the chain goes on; it comes back and catches up.

use std::time::{Duration, Instant};

use yilian_api::ledger::NodeStatus;
use yilian_client::{ClientError, patient};

use super::{
    opening::Cast,
    sharing::{self, LONGEST},
    visit::{self, Visits},
};
use crate::{
    demo::{cast::World, inputs::Inputs, story::Story},
    http::Http,
    output::short,
    trust::Trust,
};

/// The node whose answer patient 1 was shown last: the one the client prefers.
const SERVED: usize = 0;
/// Catching up must not take longer.
const CATCH_UP: Duration = Duration::from_secs(60);

pub async fn play(
    story: &mut Story,
    world: &mut World,
    cast: &mut Cast,
    visits: &Visits,
    inputs: &Inputs,
) -> anyhow::Result<()> {
    story.act("A validator dies");
    cast.patient_1.client = world.client_from(SERVED);
    let work = async {
        let patient = &mut cast.patient_1;
        let record = patient::read::read(&patient.client, &mut patient.wallet, visits.visit).await?;
        let seen =
            format!("“{}” from {}", record.summary().title.as_str(), patient.client.network().nodes[0]);
        Ok::<_, ClientError>(((), seen))
    };
    story.step("Patient 1 reads a record from validator 1", work).await?;
    let work = async {
        world.network.kill(SERVED).await?;
        anyhow::Ok(((), "three of four are left".to_owned()))
    };
    story.step("kill -9 of that very validator", work).await?;

    let record =
        visit::write_and_accept(story, &cast.doctor, &mut cast.patient_1, &inputs.ips[0], Vec::new()).await?;
    let (_, received) = sharing::grant(story, &mut cast.patient_1, record, &cast.pharmacy, LONGEST).await?;
    sharing::open(story, &cast.pharmacy, &received).await?;

    story.act("It comes back");
    let work = async {
        let start = Instant::now();
        world.network.restart(SERVED).await?;
        let height = caught_up(world).await?;
        anyhow::Ok((
            (),
            format!("at height {height} like the others after {:.1} s", start.elapsed().as_secs_f64()),
        ))
    };
    story.step("Validator 1 starts again on its data and catches up", work).await?;
    let only = world.client_of(&world.network.urls()[SERVED..=SERVED]);
    let aid = cast.patient_1.wallet.keys().aid(record);
    let work = async {
        let view = only.look_up(&aid.name()).await?;
        view.entry(&aid.name()).ok_or(ClientError::NotFound)?;
        let seen = format!("AID {}: present, proved by validator 1 alone", short(&aid.0.to_string()));
        Ok::<_, ClientError>(((), seen))
    };
    story.step("It proves the record that was written while it was dead", work).await?;
    Ok(())
}

/// Waits until the restarted validator is where the furthest of the others was when asked.
async fn caught_up(world: &World) -> anyhow::Result<u64> {
    let http = Http::new(&Trust::default())?;
    let urls = world.network.urls();
    let mut target = 0;
    for (index, url) in urls.iter().enumerate() {
        if index != SERVED {
            target = target.max(height(&http, url).await?);
        }
    }
    let start = Instant::now();
    loop {
        match height(&http, &urls[SERVED]).await {
            Ok(height) if height >= target => return Ok(height),
            _ if start.elapsed() > CATCH_UP => {
                anyhow::bail!("still below height {target} after {CATCH_UP:?}")
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn height(http: &Http, url: &str) -> anyhow::Result<u64> {
    let (_, body) = http.send(reqwest::Method::GET, &format!("{url}/v1/status"), "", Vec::new()).await?;
    Ok(serde_json::from_slice::<NodeStatus>(&body)?.height)
}
