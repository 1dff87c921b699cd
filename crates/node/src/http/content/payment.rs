//! What the content routes ask of payments: is it good, and which tickets does it use up.

use futures::future::BoxFuture;
use yilian_api::{content::UploadPayment, signing::Statement};
use yilian_content::{Paid, Payment};

use crate::payment::{PaymentError, Payments, Purpose};

/// Checks a payment without using it up; the store does that together with opening the upload.
pub trait PaymentVerifier: Send + Sync + 'static {
    /// What `payment` consists of: tickets, or a member's signature. It must sign `statement`; tickets must be exactly
    /// `tickets`.
    fn verify<'a>(
        &'a self,
        payment: &'a UploadPayment,
        statement: &'a Statement,
        tickets: usize,
    ) -> BoxFuture<'a, Result<Payment, PaymentError>>;
}

impl PaymentVerifier for Payments {
    fn verify<'a>(
        &'a self,
        payment: &'a UploadPayment,
        statement: &'a Statement,
        tickets: usize,
    ) -> BoxFuture<'a, Result<Payment, PaymentError>> {
        Box::pin(async move {
            let verified = self.verify(payment, statement, Purpose::Upload, tickets).await?;
            if let Some(member) = verified.member() {
                return Ok(Payment::Member(member.0.0));
            }
            let paid = |(spent, until): (yilian_crypto::Digest, yilian_ledger::Time)| Paid {
                id: spent.0,
                until: until.0,
            };
            Ok(Payment::Tickets(verified.uses().map(paid).collect()))
        })
    }
}
