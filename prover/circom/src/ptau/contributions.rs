//! Who made the powers: section 7 of a `.ptau`, and what its contributions prove.
//!
//! ```text
//!   section 7:  number of contributions u32, then for each
//!     tau G1 │ tau G2 │ alpha G1 │ beta G1 │ beta G2            the secrets' products when it had been made
//!     of tau, alpha, beta in turn s G1, s·x G1; then of each p·x G2             x the contributor's secrets, s random points
//!     state of the hash that ends in the response, 216 │ next challenge 64 │ kind and parameters: see the module `contribution`
//!
//!   challenge_0 = blake2b(blake2b(""), powers of tau = alpha = beta = 1)
//!   response_i  = blake2b(challenge_(i-1), compressed powers after i, the proofs of i)      announced by the contributor
//!   challenge_i = blake2b(response_i, powers after i)
//!   p           = hash to G2 of blake2b(0 tau, 1 alpha, 2 beta, challenge_(i-1), s, s·x)
//! ```
//! A file holds the powers after the *last* contribution alone. Of every contribution its proofs of knowledge are checked over the
//! challenge before it, and that it multiplied tau, alpha and beta by the secrets that it proves to know; of the last one also that the
//! file's powers are those it made, and that they hash to its next challenge. The challenges between are what the file says they are,
//! as the powers that they are hashes of are gone: a contributor finds his response in the list, and so knows that what stands
//! before it is what he saw.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use blake2::{Blake2b512, Digest};

use super::PtauError;
use super::midstate::{Midstate, STATE_BYTES};
use crate::bytes::Cursor;
use crate::contribution::{
    HASH_BYTES, Hash, Hashed, IterationsLeft, Kind, Knowledge, MAX_LOG2_ITERATIONS, Parameters, beacon_words,
    hash_points, hashed_bytes, point_of, same_ratio,
};
use crate::error::FormatError;
use zkpov_prover::encoding::{G1_BYTES, G2_BYTES};

const WHAT: &str = "the contributions";
/// Points of G1 in a contribution: three products, and s and s·x of three proofs.
const G1_POINTS: usize = 9;
/// Points of G2 in a contribution: two products, and p·x of three proofs.
const G2_POINTS: usize = 5;
/// Bytes of a contribution without parameters.
const LEAST_BYTES: u64 = (G1_POINTS * G1_BYTES + G2_POINTS * G2_BYTES + STATE_BYTES + HASH_BYTES + 8) as u64;

/// One of the three secrets of phase 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Whose powers these are.
    Tau,
    /// A factor of some of them.
    Alpha,
    /// A factor of some of them.
    Beta,
}

impl Secret {
    const ALL: [Self; 3] = [Self::Tau, Self::Alpha, Self::Beta];
}

impl core::fmt::Display for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Tau => "tau",
            Self::Alpha => "alpha",
            Self::Beta => "beta",
        })
    }
}

/// What is wrong with a contribution to powers of tau.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PowersContributionError {
    /// The contributor does not show to know a secret, over what stands before the contribution.
    #[error(
        "its proof of knowledge of {0} does not hold: it was forged, or a contribution before it was dropped, added or moved"
    )]
    ProofOfKnowledge(Secret),
    /// A secret was multiplied by something else.
    #[error("it did not multiply {0} by the secret that it proves to know")]
    Product(Secret),
    /// The beacon's value gives other secrets.
    #[error("its secrets are not those that the beacon's value gives")]
    Beacon,
    /// A beacon that is hashed too often, by itself or with those before it.
    #[error(
        "a beacon of 2^{0} iterations; 2^10 to 2^{MAX_LOG2_ITERATIONS} are computed, of all beacons of a file together"
    )]
    Iterations(u8),
    /// The powers are not the last contribution's.
    #[error(
        "it is the last one, and {0} of the file's powers is not what it made: a contribution after it was dropped, or the powers \
         changed"
    )]
    OtherPowers(Secret),
    /// The powers are not those that the last contribution was made to.
    #[error("it is the last one, and its next challenge is not the hash of the file's powers")]
    Challenge,
}

/// The products of all secrets so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Products {
    pub(super) tau_g1: G1Affine,
    pub(super) tau_g2: G2Affine,
    pub(super) alpha_g1: G1Affine,
    pub(super) beta_g1: G1Affine,
    pub(super) beta_g2: G2Affine,
}

impl Products {
    /// Before anybody contributed.
    fn ones() -> Self {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        Self { tau_g1: g1, tau_g2: g2, alpha_g1: g1, beta_g1: g1, beta_g2: g2 }
    }
}

/// A contribution to powers of tau.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowersContribution {
    pub(super) after: Products,
    /// Of tau, alpha and beta.
    pub(super) proofs: [Knowledge; 3],
    pub(super) response: Midstate,
    /// What the next contribution is over.
    pub(super) next_challenge: Hash,
    pub(super) parameters: Parameters,
}

impl PowersContribution {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, FormatError> {
        let after = Products {
            tau_g1: cursor.point("a contribution's tau in G1")?,
            tau_g2: cursor.point("a contribution's tau in G2")?,
            alpha_g1: cursor.point("a contribution's alpha in G1")?,
            beta_g1: cursor.point("a contribution's beta in G1")?,
            beta_g2: cursor.point("a contribution's beta in G2")?,
        };
        let mut in_g1 = [[G1Affine::default(); 2]; 3];
        for point in in_g1.iter_mut().flatten() {
            *point = cursor.point("a contribution's s or s·x")?;
        }
        let mut in_g2 = [G2Affine::default(); 3];
        for point in &mut in_g2 {
            *point = cursor.point("a contribution's p·x")?;
        }
        let proofs = [0, 1, 2].map(|i| Knowledge { s: in_g1[i][0], s_x: in_g1[i][1], p_x: in_g2[i] });
        let mut state = [0; STATE_BYTES];
        state.copy_from_slice(cursor.take(STATE_BYTES as u64, WHAT)?);
        let mut next_challenge = [0; HASH_BYTES];
        next_challenge.copy_from_slice(cursor.take(HASH_BYTES as u64, WHAT)?);
        Ok(Self {
            after,
            proofs,
            response: Midstate::parse(&state)?,
            next_challenge,
            parameters: Parameters::parse(cursor, WHAT)?,
        })
    }

    /// How its secrets came about.
    pub fn kind(&self) -> &Kind {
        &self.parameters.kind
    }

    /// What the contributor calls himself.
    pub fn display_name(&self) -> String {
        self.parameters.display_name()
    }

    /// The hash that the contributor announced: of the challenge, of the powers that he made, and of his proofs.
    pub fn response_hash(&self) -> Hash {
        let in_g1: Vec<G1Affine> = self.proofs.iter().flat_map(|proof| [proof.s, proof.s_x]).collect();
        let in_g2 = self.proofs.map(|proof| proof.p_x);
        let bytes = [hashed_bytes(&in_g1), hashed_bytes(&in_g2)].concat();
        self.response.clone().finish(&bytes)
    }

    /// What it proves, over the products and the challenge before it.
    fn check(&self, before: &Products, challenge: &Hash) -> Result<(), PowersContributionError> {
        use PowersContributionError::{Product, ProofOfKnowledge};
        let mut points = [G2Affine::default(); 3];
        for (((point, proof), secret), number) in
            points.iter_mut().zip(&self.proofs).zip(Secret::ALL).zip(0..)
        {
            *point = proof_point(number, challenge, &proof.s, &proof.s_x);
            if !proof.holds(point) {
                return Err(ProofOfKnowledge(secret));
            }
        }
        let ([tau, _, beta], [p_tau, p_alpha, p_beta]) = (&self.proofs, &points);
        let after = &self.after;
        let in_g1 = |before: &G1Affine, after: &G1Affine, p: &G2Affine, proof: &Knowledge| {
            same_ratio((before, after), (p, &proof.p_x))
        };
        let in_g2 = |before: &G2Affine, after: &G2Affine, proof: &Knowledge| {
            same_ratio((&proof.s, &proof.s_x), (before, after))
        };
        let holds = [
            (Secret::Tau, in_g1(&before.tau_g1, &after.tau_g1, p_tau, tau)),
            (Secret::Tau, in_g2(&before.tau_g2, &after.tau_g2, tau)),
            (Secret::Alpha, in_g1(&before.alpha_g1, &after.alpha_g1, p_alpha, &self.proofs[1])),
            (Secret::Beta, in_g1(&before.beta_g1, &after.beta_g1, p_beta, beta)),
            (Secret::Beta, in_g2(&before.beta_g2, &after.beta_g2, beta)),
        ];
        holds.iter().find(|(_, holds)| !holds).map_or(Ok(()), |(secret, _)| Err(Product(*secret)))
    }

    fn check_beacon(
        &self,
        challenge: &Hash,
        left: &mut IterationsLeft,
    ) -> Result<(), PowersContributionError> {
        let Kind::Beacon { value, log2_iterations } = self.kind() else { return Ok(()) };
        if !left.take(*log2_iterations) {
            return Err(PowersContributionError::Iterations(*log2_iterations));
        }
        let mut words = beacon_words(value, *log2_iterations).ok_or(PowersContributionError::Beacon)?;
        let secrets: [Fr; 3] = core::array::from_fn(|_| words.scalar());
        for ((proof, secret), number) in self.proofs.iter().zip(secrets).zip(0..) {
            let point = |s: &G1Affine, s_x: &G1Affine| proof_point(number, challenge, s, s_x);
            if Knowledge::new(&secret, words.g1(), point) != *proof {
                return Err(PowersContributionError::Beacon);
            }
        }
        Ok(())
    }
}

/// p of a proof, by the number of its secret.
pub(super) fn proof_point(number: u8, challenge: &Hash, s: &G1Affine, s_x: &G1Affine) -> G2Affine {
    let mut hasher = Blake2b512::new_with_prefix([number]).chain_update(challenge);
    hash_points(&mut hasher, &[*s, *s_x]);
    point_of(&hasher.finalize().into())
}

/// Reads section 7.
///
/// # Errors
/// The first thing that is malformed; what the contributions prove is for [`check`] to say.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<PowersContribution>, FormatError> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.u32(WHAT)?;
    let (needed, left) = (u64::from(count) * LEAST_BYTES, cursor.rest().len() as u64);
    if needed > left {
        return Err(FormatError::Truncated { what: WHAT, needed, left });
    }
    let contributions: Result<Vec<_>, _> =
        (0..count).map(|_| PowersContribution::parse(&mut cursor)).collect();
    let contributions = contributions?;
    cursor.end(WHAT, (bytes.len() - cursor.rest().len()) as u64)?;
    Ok(contributions)
}

/// Checks all contributions, in their order, and that the last one made the file's powers, which have these `products`. That their hash
/// is its next challenge is for [`check_last_challenge`].
///
/// # Errors
/// The first contribution that does not hold, with its number from 1; or that there is none.
pub(super) fn check(
    contributions: &[PowersContribution],
    first_challenge: &Hash,
    products: &Products,
) -> Result<(), PtauError> {
    let Some(last) = contributions.last() else { return Err(PtauError::NoContribution) };
    let mut left = IterationsLeft::of_transcript();
    let (mut before, mut challenge) = (Products::ones(), first_challenge);
    for (index, contribution) in (1..).zip(contributions) {
        contribution
            .check(&before, challenge)
            .and_then(|()| contribution.check_beacon(challenge, &mut left))
            .map_err(|reason| refused(index, contribution, reason))?;
        (before, challenge) = (contribution.after, &contribution.next_challenge);
    }
    let same = [
        (Secret::Tau, before.tau_g1 == products.tau_g1 && before.tau_g2 == products.tau_g2),
        (Secret::Alpha, before.alpha_g1 == products.alpha_g1),
        (Secret::Beta, before.beta_g1 == products.beta_g1 && before.beta_g2 == products.beta_g2),
    ];
    match same.iter().find(|(_, same)| !same) {
        None => Ok(()),
        Some((secret, _)) => {
            Err(refused(contributions.len(), last, PowersContributionError::OtherPowers(*secret)))
        }
    }
}

/// That the last contribution's next challenge is the hash of the powers, which `hash_powers` adds.
pub(super) fn check_last_challenge(
    contributions: &[PowersContribution],
    hash_powers: impl FnOnce(&mut Blake2b512) -> Result<(), FormatError>,
) -> Result<(), PtauError> {
    let Some(last) = contributions.last() else { return Err(PtauError::NoContribution) };
    let mut hasher = Blake2b512::new_with_prefix(last.response_hash());
    hash_powers(&mut hasher)?;
    if hasher.finalize()[..] == last.next_challenge {
        Ok(())
    } else {
        Err(refused(contributions.len(), last, PowersContributionError::Challenge))
    }
}

fn refused(index: usize, contribution: &PowersContribution, reason: PowersContributionError) -> PtauError {
    PtauError::Contribution { index, name: contribution.display_name(), reason }
}

/// The challenge of the first contributor to powers up to 2^`power`: the hash of a file in which every point is the generator.
pub(super) fn first_challenge(power: u32) -> Hash {
    /// Points that are hashed at a time.
    const PIECE: u64 = 1 << 12;
    fn repeat<C: Hashed>(hasher: &mut Blake2b512, point: Affine<C>, mut count: u64) {
        let one = hashed_bytes(&[point]);
        let piece = one.repeat(PIECE.min(count) as usize);
        while count > 0 {
            let now = PIECE.min(count);
            // Not above the piece's length.
            hasher.update(piece.get(..now as usize * one.len()).unwrap_or_default());
            count -= now;
        }
    }
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let places = 1u64 << power;
    let mut hasher = Blake2b512::new_with_prefix(Blake2b512::digest([]));
    repeat(&mut hasher, g1, 2 * places - 1);
    repeat(&mut hasher, g2, places);
    repeat(&mut hasher, g1, 2 * places);
    repeat(&mut hasher, g2, 1);
    hasher.finalize().into()
}
