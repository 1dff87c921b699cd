//! `practitioner enrol-patient`: the code that a person takes home from the counter.

use yilian_client::practitioner::enrol_patient;

use crate::{commands::hint::Explain as _, output, profile::Staff};

pub async fn enrol(patient: &str, staff: &Staff) -> anyhow::Result<()> {
    let code = enrol_patient(&staff.client, &staff.member()?, patient).await.explain()?;
    staff.output.result(&code, || {
        format!(
            "{}\n\nFor one wallet, until {}: `yilian wallet enrol {}`.",
            code.code,
            output::time(code.expires),
            code.code
        )
    })
}
