//! The pallets: one folder each, with its state, calls, native code and circuit.
//!
//! ```text
//!   pools      constant-product markets of the native token and an asset
//!     │
//!   assets     many tokens          balances   the native token
//!
//!   governance     messaging     identity     arcade     chain_key   the next key of a private chain
//! ```

pub mod arcade;
pub mod assets;
pub mod balances;
pub mod chain_key;
pub mod governance;
pub mod identity;
pub mod messaging;
pub mod pools;

#[cfg(test)]
mod tests {
    use super::{arcade::Game, assets, governance, identity, pools::Pool};
    use crate::{
        runtime::Account,
        state::{Record, WHOLE, lone},
    };

    /// The widths of the numbers of a record that have a packed element to themselves.
    fn widths_of_lone_numbers<R: Record>() -> (&'static str, Vec<usize>) {
        let widths = R::widths();
        let alone = lone(&widths).into_iter().zip(&widths).filter(|(alone, width)| *alone && **width < WHOLE);
        (R::NAME, alone.map(|(_, width)| *width).collect())
    }

    /// A read does not hold these to their ranges, so everything that writes one does: whoever adds one says so in `docs/security.md`.
    #[test]
    fn no_other_numbers_of_records_are_left_to_their_leaves_than_those_whose_writes_were_gone_through() {
        let amount = u128::BITS as usize;
        let found = [
            widths_of_lone_numbers::<Account>(),
            widths_of_lone_numbers::<assets::Asset>(),
            widths_of_lone_numbers::<assets::Holding>(),
            widths_of_lone_numbers::<Pool>(),
            widths_of_lone_numbers::<governance::Proposal>(),
            widths_of_lone_numbers::<governance::Ballot>(),
            widths_of_lone_numbers::<identity::Registrar>(),
            widths_of_lone_numbers::<identity::Attestation>(),
            widths_of_lone_numbers::<identity::Bucket>(),
            widths_of_lone_numbers::<Game>(),
        ];
        let expected = [
            ("an account", vec![]),
            ("an asset", vec![]),
            ("a holding", vec![amount]),
            // Amounts of two limbs, which every read takes apart and so holds to their range.
            ("a pool", vec![amount; 2]),
            // Deposit, ayes, nays, turnout.
            ("a proposal", vec![amount; 4]),
            ("a ballot", vec![]),
            // A place among the accounts, of which every read has the bits.
            ("a registrar", vec![24]),
            ("an attestation", vec![]),
            ("a bucket of nullifiers", vec![]),
            ("a game", vec![]),
        ];
        assert_eq!(found, expected);
    }
}
