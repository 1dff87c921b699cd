//! `node status`: what nodes say of themselves. Unproved: for operators.

use clap::Args;
use serde::Serialize;
use yilian_api::ledger::{Health, NodeStatus};

use crate::{
    args::Global,
    http::Http,
    network::Known,
    output::{self, Output},
    query,
    trust::Trust,
};

#[derive(Debug, Args)]
pub struct Status {
    /// Base address of a node; repeatable [default: the network's nodes]
    #[arg(long = "url", value_name = "URL")]
    urls: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    url: String,
    status: Option<NodeStatus>,
    health: Option<Health>,
    error: Option<String>,
}

pub async fn status(args: Status, global: &Global, output: Output) -> anyhow::Result<()> {
    let known = Known::read(&global.network);
    let trust = known.as_ref().map(|known| Trust::consortium(&known.genesis)).unwrap_or_default();
    let http = Http::new(&trust.with(&global.transport)?)?;
    let urls = if args.urls.is_empty() { known?.description.urls() } else { args.urls };
    let answers = futures::future::join_all(urls.into_iter().map(|url| ask(&http, url))).await;
    output.result(&answers, || table(&answers))?;
    let down = answers.iter().filter(|answer| !answer.is_fit()).count();
    anyhow::ensure!(down == 0, "{down} of {} nodes are not fit to serve", answers.len());
    Ok(())
}

async fn ask(http: &Http, url: String) -> Answer {
    match query::get::<NodeStatus>(http, &url, "/v1/status").await {
        // An unfit node answers its health with 503 and the same body.
        Ok(status) => Answer { health: health(http, &url).await, status: Some(status), error: None, url },
        Err(error) => Answer { status: None, health: None, error: Some(format!("{error:#}")), url },
    }
}

async fn health(http: &Http, url: &str) -> Option<Health> {
    let url = format!("{}/v1/health", url.trim_end_matches('/'));
    let (_, body) = http.send(reqwest::Method::GET, &url, "", Vec::new()).await.ok()?;
    serde_json::from_slice(&body).ok()
}

impl Answer {
    fn is_fit(&self) -> bool {
        self.health.as_ref().is_some_and(|health| health.status == "ok")
    }

    fn row(&self) -> [String; 7] {
        let Some(status) = &self.status else {
            let dash = || "–".to_owned();
            return [self.url.clone(), "does not answer".into(), dash(), dash(), dash(), dash(), dash()];
        };
        let health = self.health.as_ref().map_or("unknown", |health| &health.status);
        [
            self.url.clone(),
            health.to_owned(),
            status.height.to_string(),
            query::age(query::now_ms().saturating_sub(status.time)),
            status.pool.to_string(),
            status.peers.to_string(),
            output::short(&status.validator),
        ]
    }
}

fn table(answers: &[Answer]) -> String {
    let header = ["URL", "health", "height", "newest block", "pool", "peers", "validator"];
    output::table(&header, answers.iter().map(Answer::row))
}
