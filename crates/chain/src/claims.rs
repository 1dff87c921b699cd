//! What transactions have to do with each other before any is in a block: which names each would write, and which
//! refusals another transaction can still undo (spec B-22, B-27).

use yilian_ledger::{Checked, Kind, Name, Refusal, name::Bid, transaction::Body};

/// Names under which a transaction's tickets are spent.
pub fn spends(checked: &Checked) -> impl Iterator<Item = Name> {
    checked.names().into_iter().filter(|name| name.kind() == Some(Kind::SpentTicket))
}

/// Names that only one transaction of the pool may stand for: of its tickets, and of the grant it withdraws, since a key
/// can sign one withdrawal in any number of ways. Nobody else can claim them: both take the key's signature.
pub fn claims(checked: &Checked) -> impl Iterator<Item = Name> {
    let withdrawn = match &checked.transaction().body {
        Body::Withdraw(withdraw) => Some(Bid::of(&withdraw.withdrawal).name()),
        _ => None,
    };
    spends(checked).chain(withdrawn)
}

/// Names that a transaction writes if it is applied, spent tickets included, those of the ends of grants not.
pub fn writes(checked: &Checked) -> Vec<Name> {
    let mut names = checked.names();
    match &checked.transaction().body {
        // Kinds of members stand in the order of their levels, so that the new member's name is below its issuer's.
        Body::AddMember(_) => names.into_iter().min().into_iter().collect(),
        Body::Create(_) => {
            names.retain(|name| name.kind() != Some(Kind::TicketKey));
            names
        }
        Body::Grant(_) => {
            names.retain(|name| matches!(name.kind(), Some(Kind::Grant | Kind::SpentTicket)));
            names
        }
        Body::Withdraw(_) | Body::Revoke(_) | Body::Governance(_) => names,
    }
}

/// Whether a transaction refused for this can be good after another one. All other refusals stand: what they are about
/// never comes back, or is the transaction itself.
pub fn heals(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::RecordUnknown
            | Refusal::GrantUnknown
            | Refusal::MemberUnknown
            | Refusal::IssuerUnknown
            // Renewed, a member has another key and another validity.
            | Refusal::IssuerNotCertified
            | Refusal::CertificateIssuer
            | Refusal::CertificateSignature
            | Refusal::CertificateValidity
            | Refusal::CertificateUnknown
            | Refusal::RevokeSignature
            | Refusal::ParametersSequence
            | Refusal::CommitteeSequence
            // Its time comes.
            | Refusal::TicketEarly
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use yilian_ledger::{
        name::{Aid, Bid},
        transaction::{AddMember, Withdraw},
    };
    use yilian_testkit::ledger::{Chain as _, World};

    use super::*;

    #[test]
    fn a_transaction_writes_what_it_makes_and_not_what_it_stands_on() {
        let mut world = World::new(1);
        let (owner, withdrawal, ticket) = (world.key(), world.key(), world.ticket());
        let create = world.create(&owner, std::slice::from_ref(&ticket));
        let grant = world.grant(&owner, &withdrawal, std::slice::from_ref(&ticket));
        let withdraw = Withdraw::sign(world.chain, &withdrawal);
        let spent = Name::spent_ticket(&ticket.ticket.spent_id());
        let (aid, bid) =
            (Aid::of(&owner.verifying_key()).name(), Bid::of(&withdrawal.verifying_key()).name());
        let writes = |transaction| writes(&world.check(transaction).unwrap());
        assert_eq!(writes(&create), [aid, spent]);
        assert_eq!(writes(&grant), [bid, spent]);
        assert_eq!(writes(&withdraw), [bid]);
        assert_eq!(spends(&world.check(&create).unwrap()).collect::<Vec<_>>(), [spent]);
    }

    #[test]
    fn an_admission_writes_the_new_member_and_not_its_issuer() {
        let mut world = World::new(2);
        let [intermediate, hospital, doctor] = world.hospital();
        for member in [intermediate, hospital, doctor] {
            let transaction =
                AddMember::transaction(world.chain, member.issuer.unwrap(), &member.certificate);
            let checked = world.check(&transaction).unwrap();
            assert_eq!(writes(&checked), [member.id.name(member.level.into())]);
        }
    }
}
