//! A validator's ends of the channels: what leaves it passes here, and may be held back, changed or doubled on the way.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use commonware_actor::{Feedback, Unreliable};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{
    CheckedSender, LimitedSender, Message, Receiver, Recipients, Sender as _,
    simulated::{self, Control, Error},
};
use commonware_runtime::{Handle, IoBuf, IoBufs, Spawner as _, Supervisor as _, deterministic};
use tokio::sync::mpsc;
use yilian_chain::assembly::{CHANNELS, Channels, quota};

use crate::{disk::Disk, traitor::Traitor};

pub type RawSender = simulated::Sender<PublicKey, deterministic::Context>;
type RawReceiver = simulated::Receiver<PublicKey>;

/// What becomes of messages on their way out.
#[derive(Clone)]
pub enum Conduct {
    Honest,
    /// Rewritten.
    Traitor(Arc<Mutex<Traitor>>),
    /// For these only.
    Twin(Arc<Vec<PublicKey>>),
}

/// A sender.
#[derive(Clone)]
pub struct Out {
    inner: RawSender,
    channel: usize,
    disk: Disk,
    conduct: Conduct,
}

/// One message that may go out.
pub struct Line<'a> {
    checked: <RawSender as LimitedSender>::Checked<'a>,
    recipients: Recipients<PublicKey>,
    channel: usize,
    disk: &'a Disk,
    conduct: &'a Conduct,
}

impl LimitedSender for Out {
    type PublicKey = PublicKey;
    type Checked<'a> = Line<'a>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Line<'_>, SystemTime> {
        let recipients = match &self.conduct {
            Conduct::Twin(audience) => among(recipients, audience),
            _ => recipients,
        };
        let checked = self.inner.check(recipients.clone())?;
        Ok(Line { checked, recipients, channel: self.channel, disk: &self.disk, conduct: &self.conduct })
    }
}

fn among(recipients: Recipients<PublicKey>, audience: &[PublicKey]) -> Recipients<PublicKey> {
    let asked = match recipients {
        Recipients::All => return Recipients::Some(audience.to_vec()),
        Recipients::Some(keys) => keys,
        Recipients::One(key) => vec![key],
    };
    Recipients::Some(asked.into_iter().filter(|key| audience.contains(key)).collect())
}

impl CheckedSender for Line<'_> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        self.checked.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        // Without power, nothing leaves the machine, whatever the process believes.
        if !self.disk.has_power() {
            return Unreliable::new(Feedback::Ok);
        }
        let Conduct::Traitor(traitor) = self.conduct else { return self.checked.send(message, priority) };
        let message = message.into().coalesce();
        let mut traitor = traitor.lock().unwrap_or_else(PoisonError::into_inner);
        for mut posted in traitor.rewrite(self.channel, self.recipients, message) {
            posted.line.send(posted.recipients, posted.message, priority);
        }
        Unreliable::new(Feedback::Ok)
    }
}

/// A receiver: the network's own, or what is left to one of twins.
#[derive(Debug)]
pub enum In {
    Whole(RawReceiver),
    Part(mpsc::UnboundedReceiver<(PublicKey, IoBuf)>, NonZeroUsize),
}

impl Receiver for In {
    type Error = Error;
    type PublicKey = PublicKey;

    async fn recv(&mut self) -> Result<Message<PublicKey>, Error> {
        match self {
            Self::Whole(inner) => inner.recv().await,
            Self::Part(inner, _) => inner.recv().await.ok_or(Error::NetworkClosed),
        }
    }

    fn capacity(&self) -> NonZeroUsize {
        match self {
            Self::Whole(inner) => inner.capacity(),
            Self::Part(_, capacity) => *capacity,
        }
    }
}

/// A validator's channels in the network, newly registered.
pub async fn register(control: &Control<PublicKey, deterministic::Context>) -> Vec<(RawSender, RawReceiver)> {
    let mut ends = Vec::with_capacity(CHANNELS);
    for channel in 0..CHANNELS as u64 {
        ends.push(control.register(channel, quota()).await.expect("the network runs"));
    }
    ends
}

/// The ends of one validator, which has this disk and this conduct.
pub fn channels(ends: Vec<(RawSender, RawReceiver)>, disk: &Disk, conduct: &Conduct) -> Channels<Out, In> {
    let end = |(channel, (inner, receiver)): (usize, (RawSender, RawReceiver))| {
        let out = Out { inner, channel, disk: disk.clone(), conduct: conduct.clone() };
        (out, In::Whole(receiver))
    };
    collect(ends.into_iter().enumerate().map(end))
}

/// The ends of twins: each hears its audience only. The tasks that sort what arrives run as long as the handles are kept.
pub fn twins(
    context: &deterministic::Context,
    ends: Vec<(RawSender, RawReceiver)>,
    disks: [&Disk; 2],
    audiences: [Arc<Vec<PublicKey>>; 2],
) -> ([Channels<Out, In>; 2], Vec<Handle<()>>) {
    let (mut first, mut second, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
    for (channel, (inner, mut receiver)) in ends.into_iter().enumerate() {
        let capacity = receiver.capacity();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::unbounded_channel()).unzip();
        let heard = audiences.clone();
        tasks.push(context.child("sort").spawn(move |_| async move {
            while let Ok((peer, message)) = receiver.recv().await {
                for (audience, sender) in heard.iter().zip(&senders) {
                    if audience.contains(&peer) {
                        // A twin that has ended hears nothing.
                        let _ = sender.send((peer.clone(), message.clone()));
                    }
                }
            }
        }));
        let [one, two] = <[_; 2]>::try_from(receivers).expect("two were made");
        for (to, receiver, i) in [(&mut first, one, 0), (&mut second, two, 1)] {
            let conduct = Conduct::Twin(audiences[i].clone());
            let out = Out { inner: inner.clone(), channel, disk: disks[i].clone(), conduct };
            to.push((out, In::Part(receiver, capacity)));
        }
    }
    ([collect(first), collect(second)], tasks)
}

fn collect(ends: impl IntoIterator<Item = (Out, In)>) -> Channels<Out, In> {
    let ends: Vec<_> = ends.into_iter().collect();
    let Ok(ends) = <[_; CHANNELS]>::try_from(ends) else { unreachable!("one end for every channel") };
    Channels::new(ends)
}
