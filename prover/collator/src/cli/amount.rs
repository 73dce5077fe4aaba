//! Amounts of a chain's token, for people.

use zkpov_circuits::runtime::Token;

use super::output::grouped;

/// Most decimals that a power of ten in 128 bits has room for.
const MAX_DECIMALS: u8 = 38;

/// An amount in the token's own unit: `1,234.5 PAY`.
pub(crate) fn amount(units: u128, token: &Token) -> String {
    let decimals = token.decimals.min(MAX_DECIMALS);
    let one = 10u128.pow(decimals.into());
    let (whole, rest) = (units / one, units % one);
    let fraction = format!("{rest:0width$}", width = decimals.into());
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{} {}", grouped(whole), token.symbol)
    } else {
        format!("{}.{fraction} {}", grouped(whole), token.symbol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_without_trailing_zeros() {
        let token = |decimals| Token { symbol: "PAY".into(), decimals };
        assert_eq!(amount(1_234_500_000, &token(6)), "1,234.5 PAY");
        assert_eq!(amount(5, &token(12)), "0.000000000005 PAY");
        assert_eq!(amount(7, &token(0)), "7 PAY");
        assert_eq!(amount(0, &token(3)), "0 PAY");
        assert_eq!(amount(u128::MAX, &token(38)), "3.40282366920938463463374607431768211455 PAY");
    }
}
