//! What the content routes ask of payments: is it good, and which tickets does it use up.

use futures::future::BoxFuture;
use yilian_api::{content::UploadPayment, signing::Statement};
use yilian_content::Paid;

use crate::payment::{PaymentError, Payments, Purpose};

/// Checks a payment without using it up; the store does that together with opening the upload.
pub trait PaymentVerifier: Send + Sync + 'static {
    /// Tickets that `payment` consists of, none for a member's signature; it must sign `statement` and be worth
    /// exactly `tickets` tickets.
    fn verify<'a>(
        &'a self,
        payment: &'a UploadPayment,
        statement: &'a Statement,
        tickets: usize,
    ) -> BoxFuture<'a, Result<Vec<Paid>, PaymentError>>;
}

impl PaymentVerifier for Payments {
    fn verify<'a>(
        &'a self,
        payment: &'a UploadPayment,
        statement: &'a Statement,
        tickets: usize,
    ) -> BoxFuture<'a, Result<Vec<Paid>, PaymentError>> {
        Box::pin(async move {
            let verified = self.verify(payment, statement, Purpose::Upload, tickets).await?;
            Ok(verified.uses().map(|(spent, until)| Paid { id: spent.0, until: until.0 }).collect())
        })
    }
}
