//! `node propose` and `node approve`: roots and parameters change when more than two thirds of the validators sign (spec
//! L-60, L-90 to L-94). The proposal is a file that goes from operator to operator.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use commonware_codec::{DecodeExt as _, Encode as _};
use serde::{Deserialize, Serialize};
use yilian_api::encoding::{digest_from_hex, from_base64, signature_from_hex, signature_to_hex, to_base64};
use yilian_authority::http::now;
use yilian_crypto::{
    Label,
    certificate::Certificate,
    sign::{SigningKey, VerifyingKey},
};
use yilian_files::durable;
use yilian_ledger::{
    ChainId, Entry, Genesis, Name, Parameters, Time,
    name::MemberId,
    transaction::{Action, Governance},
};
use yilian_node::NodeConfig;

use super::Config;
use crate::{
    args::Global,
    authority::transport,
    failure,
    network::Known,
    output::{self, Output},
    trust::Trust,
};

/// Longest encoded action, bytes.
const MAX_ACTION: usize = 16 << 10;

#[derive(Debug, Args)]
pub struct Propose {
    /// File to write the proposal to
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(subcommand)]
    change: Change,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Add a root certificate, or renew one
    AddRoot {
        /// The certificate, DER
        certificate: PathBuf,
    },
    /// End a root and everybody below it
    RevokeRoot {
        /// Member id of the root, 64 hex digits
        member: String,
    },
    /// Change parameters; what is not named stays
    Parameters(Changed),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changed {
    /// How long a period's tickets stay valid after its end
    #[arg(long, value_name = "SECONDS")]
    ticket_overlap_seconds: Option<u64>,
    /// Header age after which clients call it stale
    #[arg(long, value_name = "SECONDS")]
    stale_after_seconds: Option<u64>,
    /// An idle chain makes a block every so often
    #[arg(long, value_name = "SECONDS")]
    idle_block_seconds: Option<u64>,
    /// How far a valid-until may lie ahead
    #[arg(long, value_name = "SECONDS")]
    max_validity_seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Approve {
    /// The proposal; the signature is added to it
    proposal: PathBuf,

    #[command(flatten)]
    config: Config,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// The file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    chain: String,
    /// Encoded `Action`, base64url.
    action: String,
    valid_until: u64,
    /// By index in the committee.
    signatures: BTreeMap<u16, String>,
}

pub async fn propose(args: Propose, global: &Global, output: Output) -> anyhow::Result<()> {
    let Known { description, genesis } = Known::read(&global.network)?;
    let trust = Trust::consortium(&genesis).with(&global.transport)?;
    let chain = transport::chain(&description.urls(), genesis, &trust)?;
    let present = match chain.entry(Name::parameters(), now()).await? {
        Some(Entry::Parameters(parameters)) => parameters,
        _ => anyhow::bail!("the ledger holds no parameters"),
    };
    let action = action(args.change, &present)?;
    let proposal = Proposal {
        chain: description.chain,
        action: to_base64(&action.encode()),
        // Some time for the slowest operator's clock.
        valid_until: now().after(present.max_validity_ms / 10 * 9).0,
        signatures: BTreeMap::new(),
    };
    write(&args.out, &proposal)?;
    output.result(&proposal, || {
        format!(
            "{}\nWritten to {}. Have it signed by more than two thirds of the validators before {}:\n  yilian node approve {} \
             --config node.toml",
            describe(&action),
            args.out.display(),
            output::time(proposal.valid_until),
            args.out.display()
        )
    })
}

fn action(change: Change, present: &Parameters) -> anyhow::Result<Action> {
    Ok(match change {
        Change::AddRoot { certificate: path } => {
            let der = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let root = Certificate::parse(&der)
                .with_context(|| format!("{} is not a certificate of this system", path.display()))?;
            root.verify_issued_by(&root).with_context(|| format!("{} is not a root", path.display()))?;
            Action::AddRoot { certificate: der }
        }
        Change::RevokeRoot { member } => {
            let id = digest_from_hex(&member).map_err(|_| failure::usage("a member id is 64 hex digits"))?;
            Action::RevokeRoot { member: MemberId(id) }
        }
        Change::Parameters(changed) => {
            let ms = |seconds: Option<u64>, present| seconds.map_or(present, |s| s.saturating_mul(1000));
            let parameters = Parameters {
                sequence: present.sequence + 1,
                ticket_overlap_ms: ms(changed.ticket_overlap_seconds, present.ticket_overlap_ms),
                stale_after_ms: ms(changed.stale_after_seconds, present.stale_after_ms),
                idle_block_ms: ms(changed.idle_block_seconds, present.idle_block_ms),
                max_validity_ms: ms(changed.max_validity_seconds, present.max_validity_ms),
                ..present.clone()
            };
            parameters.validate().map_err(failure::usage)?;
            Action::SetParameters(parameters)
        }
    })
}

pub async fn approve(args: Approve, output: Output) -> anyhow::Result<()> {
    let config = NodeConfig::load(&args.config.dir())?;
    let genesis = &config.chain.genesis;
    let mut proposal = read(&args.proposal)?;
    let action = checked(&proposal, genesis)?;
    output.note(describe(&action));
    anyhow::ensure!(
        now().0 < proposal.valid_until,
        "the proposal ended {}; propose it again",
        output::time(proposal.valid_until)
    );
    confirm(args.yes)?;
    let key = SigningKey::from_seed(config.chain.signer.clone());
    let own = genesis.committee.iter().position(|member| member == key.verifying_key().as_bytes());
    let own = u16::try_from(own.context("this validator is not in the committee")?)?;
    let signature = Governance::approve(genesis.chain_id(), &action, Time(proposal.valid_until), &key);
    proposal.signatures.insert(own, signature_to_hex(&signature));
    write(&args.proposal, &proposal)?;
    let (have, need) = (proposal.signatures.len(), genesis.committee.len() * 2 / 3 + 1);
    let submitted = have >= need;
    if submitted {
        submit(&proposal, action, config).await?;
    }
    let result = serde_json::json!({ "signatures": have, "needed": need, "submitted": submitted });
    output.result(&result, || match submitted {
        true => format!("{have} of {need} signatures: the chain has taken it."),
        false => format!("{have} of {need} signatures: pass {} on.", args.proposal.display()),
    })
}

async fn submit(proposal: &Proposal, action: Action, config: NodeConfig) -> anyhow::Result<()> {
    let url = super::own_url(&config)?;
    let genesis = config.chain.genesis;
    let signatures = signatures(proposal)?;
    let transaction =
        Governance::transaction(genesis.chain_id(), action, Time(proposal.valid_until), signatures);
    // To this validator itself.
    let trust = Trust::consortium(&genesis).with_plain(true);
    let chain = transport::chain(&[url], genesis, &trust)?;
    let submitted = transport::submit(chain.as_ref(), &transaction).await;
    submitted.context("enough have signed, but the chain did not take it")
}

/// The proposal's action, if it is for this chain and every signature on it is good.
fn checked(proposal: &Proposal, genesis: &Genesis) -> anyhow::Result<Action> {
    let ChainId(chain) = genesis.chain_id();
    anyhow::ensure!(
        proposal.chain == chain.to_string(),
        "the proposal is for chain {}, this validator is of {chain}",
        proposal.chain
    );
    let bytes = from_base64(&proposal.action, MAX_ACTION).context("the proposal's action is damaged")?;
    let action = Action::decode(bytes).context("the proposal's action is damaged")?;
    let (encoded, until) = (action.encode(), Time(proposal.valid_until).encode());
    for (index, signature) in signatures(proposal)? {
        let member = genesis.committee.get(usize::from(index));
        let member = member.with_context(|| format!("there is no validator {index}"))?;
        VerifyingKey::from_bytes(member)?
            .verify(Label::Governance, &[chain.as_ref(), &encoded, &until], &signature)
            .with_context(|| format!("the signature of validator {index} does not verify"))?;
    }
    Ok(action)
}

fn signatures(proposal: &Proposal) -> anyhow::Result<Vec<(u16, yilian_crypto::sign::Signature)>> {
    let decode = |(index, text): (&u16, &String)| {
        let signature = signature_from_hex(text);
        signature
            .map(|s| (*index, s))
            .with_context(|| format!("the signature of validator {index} is damaged"))
    };
    proposal.signatures.iter().map(decode).collect()
}

/// What it does, for people.
fn describe(action: &Action) -> String {
    match action {
        Action::AddRoot { certificate } => match Certificate::parse(certificate) {
            Ok(root) => {
                let contents = root.contents();
                format!(
                    "Add the root {:?} ({}), certificate {}",
                    contents.name,
                    contents.subject_id,
                    root.id()
                )
            }
            Err(error) => format!("Add a root whose certificate is malformed: {error}"),
        },
        Action::RevokeRoot { member } => format!("End the root {} and everybody below it", member.0),
        Action::SetTicketKey { class, period, .. } => {
            format!("Set the ticket key of class {} and period {}", class.as_str(), period.0)
        }
        Action::SetParameters(p) => format!(
            "Set parameters (change {}): tickets overlap {} s, stale after {} s, idle block {} s, validity {} s, expiry classes \
             {:?}, period {} s",
            p.sequence,
            p.ticket_overlap_ms / 1000,
            p.stale_after_ms / 1000,
            p.idle_block_ms / 1000,
            p.max_validity_ms / 1000,
            p.expiry_classes,
            p.period_ms / 1000
        ),
    }
}

fn confirm(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    anyhow::ensure!(io::stdin().is_terminal(), "say --yes to sign without being asked");
    write!(io::stderr(), "Sign this with the validator's key? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    anyhow::ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "not signed");
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Proposal> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not a proposal", path.display()))
}

fn write(path: &Path, proposal: &Proposal) -> anyhow::Result<()> {
    durable::publish(path, &serde_json::to_vec_pretty(proposal)?)
        .with_context(|| format!("cannot write {}", path.display()))
}
