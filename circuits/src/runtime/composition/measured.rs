//! What one more slot of a call kind costs, and where its constraints stand.

use std::collections::BTreeMap;

use ark_relations::gr1cs::{self, SynthesisError};
use zkpov_verifier::lane::TierId;

use super::{
    super::{
        CallWeight, Tier,
        account::ACCOUNTS,
        lane::{Kind, slot_widths},
    },
    Composition, lanes,
};
use crate::{
    r1cs::R1cs,
    seam::{SeenNamespace, Session, with_session},
    state::{OpeningPlan, STORAGES, packed_widths},
};

/// Elements that one more Poseidon call adds to a chain.
const CHAIN_STEP: u32 = 15;

impl Composition {
    /// Constraints of one more slot of call kind `kind` where as many levels of the trees are shared as in the largest
    /// tier, averaged over as many slots as put whole Poseidon calls into the body's chain.
    pub(super) fn call_weight(
        &self,
        kind: usize,
        top_levels: &[usize; STORAGES],
    ) -> gr1cs::Result<CallWeight> {
        let Some(own) = self.kinds.get(kind) else { return Err(SynthesisError::ArityMismatch) };
        let slots = whole_calls(own.as_ref());
        let constraints =
            |slots| Ok::<_, SynthesisError>(self.with_slots(kind, slots, top_levels, false)?.0.constraints());
        let more: usize = constraints(1 + slots)? - constraints(1)?;
        // A chain has at most `MAX_LANES` kinds.
        Ok(CallWeight { call: kind as u8, name: own.name(), constraints: more.div_ceil(slots as usize) })
    }

    /// Where the constraints of one more slot of a call kind stand, by namespace without numbers, the most first. What stands in a
    /// namespace of another's is that one's.
    pub(super) fn call_breakdown(&self, kind: usize) -> gr1cs::Result<Vec<(String, f64)>> {
        let Some(own) = self.kinds.get(kind) else { return Err(SynthesisError::ArityMismatch) };
        let (slots, top_levels) = (whole_calls(own.as_ref()), self.shared_levels()?);
        let rows = |slots| {
            let (shape, namespaces) = self.with_slots(kind, slots, &top_levels, true)?;
            Ok::<_, SynthesisError>(rows_by_namespace(&namespaces, shape.constraints()))
        };
        let (one, more) = (rows(1)?, rows(1 + slots)?);
        let more = more.into_iter().map(|(path, rows)| {
            let before = one.get(&path).copied().unwrap_or_default();
            (path, (rows as f64 - before as f64) / f64::from(slots))
        });
        let mut more: Vec<(String, f64)> = more.filter(|(_, rows)| *rows != 0.0).collect();
        more.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Ok(more)
    }

    /// The circuit with so many slots of a call kind and one of each other, and its namespaces if it is to `record` them.
    fn with_slots(
        &self,
        kind: usize,
        slots: u32,
        top_levels: &[usize; STORAGES],
        record: bool,
    ) -> gr1cs::Result<(R1cs, Vec<SeenNamespace>)> {
        let capacities: Vec<u32> =
            (0..self.kinds.len()).map(|other| if other == kind { slots } else { 1 }).collect();
        let tier = self.unnumbered(&capacities);
        let plans = self.plans_sharing(&tier, top_levels)?;
        let circuit = || R1cs::synthesize(|cs| self.circuit(&tier, &plans, None, &cs).map(drop));
        if !record {
            return Ok((circuit()?, Vec::new()));
        }
        let (shape, session) = with_session(Session { record, ..Session::default() }, circuit);
        Ok((shape?, session.namespaces))
    }

    /// A tier for measurements.
    fn unnumbered(&self, capacities: &[u32]) -> Tier {
        Tier::new(TierId::GENESIS, self.version.bodies, lanes(&self.kinds, capacities))
    }

    /// Accesses of a block with these lanes to each storage.
    fn accesses(&self, tier: &Tier) -> gr1cs::Result<[usize; STORAGES]> {
        let cs = crate::r1cs::shape_only();
        self.circuit(tier, &self.plans(tier), None, &cs)
    }

    /// How trees are opened if `top_levels` of each are shared.
    fn plans_sharing(
        &self,
        tier: &Tier,
        top_levels: &[usize; STORAGES],
    ) -> gr1cs::Result<Vec<(u8, OpeningPlan)>> {
        let mut plans = self.plans(tier);
        let mut accesses = self.accesses(tier)?;
        accesses[usize::from(ACCOUNTS)] -= self.shared_senders(tier);
        for ((storage, shape), accesses) in (0u8..).zip(self.layout.0).zip(accesses) {
            let top_levels = top_levels.get(usize::from(storage)).copied().unwrap_or_default();
            match plans.iter_mut().find(|(other, _)| *other == storage) {
                Some((_, plan)) => plan.top_levels = top_levels,
                None if accesses > 0 => {
                    plans.push((
                        storage,
                        OpeningPlan { top_levels, ..OpeningPlan::cheapest(shape, accesses) },
                    ));
                }
                None => (),
            }
        }
        Ok(plans)
    }

    /// How many levels of each tree the largest tier shares.
    pub(super) fn shared_levels(&self) -> gr1cs::Result<[usize; STORAGES]> {
        let largest = self.tiers.last().ok_or(SynthesisError::ArityMismatch)?;
        // Accesses are linear in the slots: a block's own, and so many for each slot of a lane.
        let with = |capacities: Vec<u32>| self.accesses(&self.unnumbered(&capacities));
        let one = with(vec![1; self.kinds.len()])?;
        let mut total = one;
        for (kind, lane) in largest.lanes.iter().enumerate() {
            let two = with((0..self.kinds.len()).map(|other| if other == kind { 2 } else { 1 }).collect())?;
            for ((total, one), two) in total.iter_mut().zip(one).zip(two) {
                *total += (two - one) * (lane.capacity as usize).saturating_sub(1);
            }
        }
        total[usize::from(ACCOUNTS)] -= self.shared_senders(largest);
        let planned = self.plans(largest);
        let mut levels = [0; STORAGES];
        for (((levels, shape), accesses), storage) in
            levels.iter_mut().zip(self.layout.0).zip(total).zip(0u8..)
        {
            let plan = planned.iter().find(|(other, _)| *other == storage).map(|(_, plan)| *plan);
            *levels = plan.unwrap_or_else(|| OpeningPlan::cheapest(shape, accesses)).top_levels;
        }
        Ok(levels)
    }
}

/// How many slots of a kind put whole Poseidon calls into the body's chain.
fn whole_calls(kind: &dyn Kind) -> u32 {
    // A slot has a few elements.
    let elements = packed_widths(&slot_widths(kind)).len() as u32;
    CHAIN_STEP / greatest_common_divisor(CHAIN_STEP, elements)
}

/// Of so many rows, how many stand in each namespace and in none within it: by the path without numbers.
fn rows_by_namespace(namespaces: &[SeenNamespace], all: usize) -> BTreeMap<String, isize> {
    let mut rows = BTreeMap::from([(String::new(), all as isize)]);
    let kind = |path: &str| {
        let parts = path.split('/').map(|part| part.split_once('[').map_or(part, |(name, _)| name));
        parts.collect::<Vec<_>>().join("/")
    };
    for namespace in namespaces {
        let path = kind(&namespace.path);
        let outer = path.rsplit_once('/').map_or("", |(outer, _)| outer).to_owned();
        let own = namespace.rows.len() as isize;
        *rows.entry(path).or_default() += own;
        // The outer one's are counted when it ends: until then it owes them.
        *rows.entry(outer).or_default() -= own;
    }
    rows
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
