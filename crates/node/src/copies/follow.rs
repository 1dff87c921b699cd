//! Telling and hearing what is to be kept (spec CC-5, CC-6): both ends of `POST /v1/link/holds`.
//!
//! A node tells another one only of content that is assigned to it, and the words that it once signed itself, so that a
//! disk that was lost comes back with the pins on it. What is heard counts only with its origin's signature, of an origin
//! in the committee, and within the origin's share.

use commonware_codec::Encode as _;
use futures::future::join_all;
use yilian_api::{
    encoding,
    link::{HoldsAnswer, HoldsRequest},
    problem::Code,
    signing::{Audience, LinkVerb, Statement},
};
use yilian_content::{Hold, Place, Told};

use super::{
    Copies,
    link::LinkError,
    lock,
    peers::Peer,
    placement::Placement,
    word::{MAX_WORDS, Page, SignedWord},
};
use crate::{app::now_ms, http::error::ApiError};

/// Pages read of one peer before the others have their turn again.
const PAGES: usize = 64;
/// A peer whose share was used up is heard again after so long, ms.
const REST: u64 = 10 * 60_000;

impl Copies {
    /// Asks every peer again and again.
    pub(super) async fn follow(&self) {
        loop {
            self.poll().await;
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Asks every peer once.
    pub(super) async fn poll(&self) {
        let now = now_ms();
        let rests = |peer: &Peer| lock(&self.resting).get(&peer.key).is_some_and(|until| *until > now);
        let due = self.peers.iter().filter(|peer| peer.is_due(now) && !rests(peer));
        join_all(due.map(|peer| self.read(peer))).await;
        self.wake.notify_one();
    }

    async fn read(&self, peer: &Peer) {
        let mut full = false;
        for _ in 0..PAGES {
            match self.read_page(peer).await {
                Ok(Read { more, full: was_full }) => {
                    full |= was_full;
                    if !more {
                        break;
                    }
                }
                Err(Unread::Link(error)) => {
                    peer.failed(&error);
                    break;
                }
                Err(Unread::Store(error)) => {
                    tracing::error!(%error, "what other nodes tell cannot be kept");
                    self.remark(error.to_string());
                    break;
                }
            }
        }
        if full {
            self.begin_again(peer).await;
        }
    }

    async fn read_page(&self, peer: &Peer) -> Result<Read, Unread> {
        let placement = self.placement();
        let assignment = placement.id();
        let key = peer.key;
        let mut place = self.ask(move |store| store.place(&key)).await?;
        if place.assignment != assignment {
            // Other content is this node's business now.
            place = Place { assignment, after: 0, ..place };
        }
        let page = self.link.holds(peer, &place).await?;
        peer.answered(0);
        if page.assignment != assignment {
            peer.remark(
                "has another committee or another `copies.count`; nothing is taken from it until that agrees",
            );
            return Ok(Read { more: false, full: false });
        }
        let more = page.more;
        let (chain, me) = (self.audience.chain, self.audience.node);
        let share = self.settings.peer_bytes;
        let verified = crate::blocking(move || verify(&page, &placement, &chain, &me).map(|h| (h, page)));
        let (holds, page) = verified.await?;
        let read = Place { journal: page.journal, assignment, after: page.next };
        if holds.is_empty() && read == place {
            // The usual answer, which must not cost a write.
            return Ok(Read { more, full: false });
        }
        let told = self.ask(move |store| store.tell(&holds, share, Some((&key, read)), now_ms())).await?;
        if told.contains(&Told::New) {
            self.wake.notify_one();
        }
        Ok(Read { more, full: told.contains(&Told::Full) })
    }

    /// What was passed over is heard again later: by then there may be room.
    async fn begin_again(&self, peer: &Peer) {
        let text = format!(
            "makes this node keep more than `copies.peer_bytes` allows ({} bytes); the rest is passed over",
            self.settings.peer_bytes
        );
        peer.remark(text.clone());
        self.remark(format!("{}: {text}", encoding::to_hex(&peer.key)));
        lock(&self.resting).insert(peer.key, now_ms().saturating_add(REST));
        let (key, share) = (peer.key, self.settings.peer_bytes);
        let again = self
            .ask(move |store| {
                let place = Place { after: 0, ..store.place(&key)? };
                store.tell(&[], share, Some((&key, place)), now_ms())
            })
            .await;
        if let Err(error) = again {
            self.remark(error.to_string());
        }
    }

    /// The answering end.
    pub(crate) async fn answer_holds(&self, request: &HoldsRequest) -> Result<HoldsAnswer, ApiError> {
        let journal: [u8; 16] =
            encoding::from_hex(&request.journal).map_err(|error| ApiError::field("journal", error))?;
        let placement = self.placement();
        let arguments = [&journal[..], &request.after.to_be_bytes()].concat();
        let asked = (LinkVerb::Holds, &arguments[..]);
        let asker = self.guard.admit(&self.audience, &placement, &request.by, asked, now_ms())?;
        let after = if journal == self.journal { request.after } else { 0 };
        let (chain, me, node) = (self.audience.chain, self.audience.node, *asker.node());
        let (signer, own) = (self.link.signer().clone(), self.journal);
        let page = self.ask(move |store| {
            let changes = store.changes(after, MAX_WORDS, |hold| {
                hold.origin == Some(node) || placement.assigns(&node, &hold.root)
            })?;
            let words = changes.holds.iter().map(|hold| SignedWord::of(hold, &chain, &me, &signer));
            Ok(Page {
                journal: own,
                assignment: placement.id(),
                next: changes.next,
                more: changes.more,
                words: words.collect(),
            })
        });
        let page = page.await.map_err(|error| ApiError::of(Code::Internal, &error))?.encode();
        let to = Audience { chain, node };
        let signature = Statement::link_answer(&to, &me, asker.nonce(), &page).sign(self.link.signer());
        Ok(HoldsAnswer {
            page: encoding::to_base64(&page),
            signature: encoding::signature_to_hex(&signature),
        })
    }
}

struct Read {
    more: bool,
    /// Something was passed over.
    full: bool,
}

enum Unread {
    Link(LinkError),
    Store(yilian_content::StoreError),
}

impl From<LinkError> for Unread {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<yilian_content::StoreError> for Unread {
    fn from(error: yilian_content::StoreError) -> Self {
        Self::Store(error)
    }
}

/// What of a page concerns this node. A word without its origin's signature spoils the page; one of an origin outside of
/// the committee, whose share would be anybody's, or on content that is not assigned to this node is passed over.
fn verify(
    page: &Page,
    placement: &Placement,
    chain: &yilian_crypto::Digest,
    me: &[u8; 32],
) -> Result<Vec<Hold>, LinkError> {
    let mut holds = Vec::with_capacity(page.words.len());
    for word in &page.words {
        let own = word.origin() == me;
        let concerns = own || (placement.contains(word.origin()) && placement.assigns(me, word.root()));
        if concerns {
            holds.push(word.verify(chain, me).ok_or(LinkError::Signature)?);
        }
    }
    Ok(holds)
}
