//! `records offer`, `abandon`: the code that a practitioner needs to write one record.

use clap::Args;
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use serde::Serialize;
use std::io::IsTerminal as _;
use yilian_client::{OfferCard, patient::offer as flow, wallet::index::RecordIndex};

use crate::{commands::hint::Explain as _, profile::Patient};

#[derive(Debug, Args)]
pub struct Offer {
    /// For yourself: what the offer is for
    #[arg(long, default_value = "")]
    note: String,
    /// Show an open offer again instead of making one
    #[arg(long, value_name = "RECORD", conflicts_with = "note")]
    again: Option<RecordIndex>,
    /// Draw the QR code even where no terminal is
    #[arg(long)]
    qr: bool,
}

#[derive(Serialize)]
struct Offered {
    record: String,
    offer: String,
}

pub async fn offer(args: Offer, patient: &mut Patient) -> anyhow::Result<()> {
    let (index, card) = match args.again {
        Some(index) => (index, flow::open_card(&patient.wallet, index).explain()?),
        None => {
            patient.claim().await?;
            flow::offer(&patient.client, &mut patient.wallet, &args.note).await.explain()?
        }
    };
    let offered = Offered { record: index.to_string(), offer: card.to_text() };
    let draw = args.qr || std::io::stdout().is_terminal();
    patient.output.result(&offered, || {
        let code = if draw { qr(&card) } else { String::new() };
        format!("{code}{}", offered.offer)
    })?;
    patient.output.note(format!(
        "This is offer {index}: for one record, by whoever sees it. It names nobody and appears on no chain.\n\
         When it was used: `yilian records inbox`."
    ));
    Ok(())
}

/// For light letters on a dark ground, as terminals mostly are: what is drawn is the code's light part.
fn qr(card: &OfferCard) -> String {
    let Ok(code) = QrCode::with_error_correction_level(card.to_text(), EcLevel::L) else {
        return String::new();
    };
    let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    drawn + "\n"
}

pub async fn abandon(index: RecordIndex, patient: &mut Patient) -> anyhow::Result<()> {
    flow::abandon(&mut patient.wallet, index).await.explain()?;
    patient.output.result(&serde_json::json!({ "record": index.to_string(), "abandoned": true }), || {
        format!("Offer {index} is given up; its number is not used again.")
    })
}
