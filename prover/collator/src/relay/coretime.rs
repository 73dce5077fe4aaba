//! Coretime: who may use a core, and what was paid for it.
//!
//! ```text
//!   bulk        a lease of a core for a number of relay blocks, sold at a price that falls to a floor during the sale
//!   on demand   an order for one candidate, at a price that rises with the orders that wait
//! ```
//!
//! Cores without a lease serve the orders, first come, first served. Every parachain has a purse of the relay chain's token;
//! a new one begins with [`Prices::endowment`], for this is a development chain.

use std::collections::{BTreeMap, VecDeque};

/// What coretime costs, in the smallest unit of the relay chain's token (10⁻¹⁰ DOT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A lease, per relay block, at the end of a sale.
    pub lease_floor: u64,
    /// How many times that it is at the beginning of a sale.
    pub lead_in_factor: u64,
    /// Relay blocks from one sale's beginning to the next; the price falls during the first half.
    pub sale_blocks: u32,
    /// An order when none waits.
    pub order_base: u64,
    /// What a new parachain has.
    pub endowment: u64,
}

impl Default for Prices {
    fn default() -> Self {
        const DOT: u64 = 10_000_000_000;
        Self {
            lease_floor: DOT / 100,
            lead_in_factor: 5,
            sale_blocks: 100,
            order_base: DOT / 20,
            endowment: 100 * DOT,
        }
    }
}

/// A leased core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The core.
    pub core: u16,
    /// Whose it is.
    pub para: u32,
    /// First relay block in which it is.
    pub from: u32,
    /// First relay block in which it is no longer.
    pub until: u32,
}

/// A paid order for one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Order {
    para: u32,
    /// Relay block in which it lapses.
    until: u32,
}

/// Why no coretime was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSold {
    /// Every core is leased then.
    #[error("all cores are leased in these blocks")]
    NoCore,
    /// The purse is too small.
    #[error("it costs {price}, the purse holds {purse}")]
    Purse {
        /// What it costs.
        price: u64,
        /// What there is.
        purse: u64,
    },
    /// It costs more than was allowed.
    #[error("it costs {price}, more than the {limit} allowed")]
    Limit {
        /// What it costs.
        price: u64,
        /// The most that was to be paid.
        limit: u64,
    },
    /// As many orders wait as can.
    #[error("{0} orders wait already")]
    Queue(usize),
}

/// Relay blocks after which an order that nobody used lapses.
const ORDER_BLOCKS: u32 = 20;
/// Most orders that wait.
const MAX_ORDERS: usize = 64;

/// All cores and their buyers, as of one relay block.
#[derive(Clone, Debug)]
pub struct Coretime {
    cores: u16,
    prices: Prices,
    leases: Vec<Lease>,
    orders: VecDeque<Order>,
    purses: BTreeMap<u32, u64>,
}

impl Coretime {
    /// Cores that nobody has.
    #[must_use]
    pub fn new(cores: u16, prices: Prices) -> Self {
        Self { cores, prices, leases: Vec::new(), orders: VecDeque::new(), purses: BTreeMap::new() }
    }

    /// Gives a new parachain its purse.
    pub fn endow(&mut self, para: u32) {
        self.purses.entry(para).or_insert(self.prices.endowment);
    }

    /// What a parachain has left.
    #[must_use]
    pub fn purse(&self, para: u32) -> u64 {
        self.purses.get(&para).copied().unwrap_or_default()
    }

    /// Price of a lease of `blocks` bought in relay block `now`.
    #[must_use]
    pub fn lease_price(&self, now: u32, blocks: u32) -> u64 {
        let Prices { lease_floor, lead_in_factor, sale_blocks, .. } = self.prices;
        let lead_in = u64::from((sale_blocks / 2).max(1));
        let left = lead_in.saturating_sub(u64::from(now % sale_blocks.max(1)));
        let above =
            lease_floor.saturating_mul(lead_in_factor.saturating_sub(1)).saturating_mul(left) / lead_in;
        lease_floor.saturating_add(above).saturating_mul(blocks.into())
    }

    /// Buys a core from relay block `from` on.
    ///
    /// # Errors
    /// [`NotSold`].
    pub fn buy_lease(
        &mut self,
        now: u32,
        para: u32,
        from: u32,
        blocks: u32,
    ) -> Result<(Lease, u64), NotSold> {
        let until = from.saturating_add(blocks);
        let overlaps = |lease: &&Lease| lease.from < until && from < lease.until;
        let taken: Vec<u16> = self.leases.iter().filter(overlaps).map(|lease| lease.core).collect();
        let core = (0..self.cores).find(|core| !taken.contains(core)).ok_or(NotSold::NoCore)?;
        let price = self.lease_price(now, blocks);
        self.pay(para, price)?;
        let lease = Lease { core, para, from, until };
        self.leases.push(lease);
        Ok((lease, price))
    }

    /// Price of an order now: the base, and a quarter of it more for each order that waits.
    #[must_use]
    pub fn order_price(&self) -> u64 {
        let base = self.prices.order_base;
        base.saturating_add((base / 4).saturating_mul(self.orders.len() as u64))
    }

    /// Orders a core for one candidate.
    ///
    /// # Errors
    /// [`NotSold`].
    pub fn order(&mut self, now: u32, para: u32, limit: u64) -> Result<u64, NotSold> {
        if self.orders.len() >= MAX_ORDERS {
            return Err(NotSold::Queue(self.orders.len()));
        }
        let price = self.order_price();
        if price > limit {
            return Err(NotSold::Limit { price, limit });
        }
        self.pay(para, price)?;
        self.orders.push_back(Order { para, until: now.saturating_add(ORDER_BLOCKS) });
        Ok(price)
    }

    fn pay(&mut self, para: u32, price: u64) -> Result<(), NotSold> {
        let purse = self.purses.entry(para).or_default();
        *purse = purse.checked_sub(price).ok_or(NotSold::Purse { price, purse: *purse })?;
        Ok(())
    }

    /// The core that a parachain may use in relay block `number`, if any: a leased one, else one of those that serve orders.
    #[must_use]
    pub fn core_of(&self, para: u32, number: u32) -> Option<u16> {
        let leased = |lease: &&Lease| lease.from <= number && number < lease.until;
        if let Some(lease) = self.leases.iter().filter(leased).find(|lease| lease.para == para) {
            return Some(lease.core);
        }
        let taken: Vec<u16> = self.leases.iter().filter(leased).map(|lease| lease.core).collect();
        let free = (0..self.cores).filter(|core| !taken.contains(core));
        free.zip(&self.orders).find(|(_, order)| order.para == para).map(|(core, _)| core)
    }

    /// Leases that end with relay block `number`.
    pub fn ended(&self, number: u32) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(move |lease| lease.until == number)
    }

    /// A candidate was backed: an order that paid for it is used up, unless a lease did.
    pub fn used(&mut self, para: u32, number: u32) {
        let leased = |lease: &Lease| lease.para == para && lease.from <= number && number < lease.until;
        if self.leases.iter().any(leased) {
            return;
        }
        if let Some(place) = self.orders.iter().position(|order| order.para == para) {
            self.orders.remove(place);
        }
    }

    /// Forgets orders and leases that are over.
    pub fn lapse(&mut self, number: u32) {
        self.orders.retain(|order| order.until > number);
        self.leases.retain(|lease| lease.until >= number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coretime(cores: u16) -> Coretime {
        let mut coretime = Coretime::new(cores, Prices::default());
        coretime.endow(1);
        coretime.endow(2);
        coretime
    }

    #[test]
    fn a_core_is_one_parachains_at_a_time_and_must_be_paid() {
        let mut coretime = coretime(1);
        assert_eq!(coretime.core_of(1, 5), None, "nobody paid");
        let before = coretime.purse(1);
        let (lease, price) = coretime.buy_lease(0, 1, 5, 10).unwrap();
        assert_eq!((lease.core, coretime.purse(1)), (0, before - price));
        assert_eq!(
            [4, 5, 14, 15].map(|number| coretime.core_of(1, number).is_some()),
            [false, true, true, false]
        );
        assert_eq!(coretime.buy_lease(0, 2, 14, 1), Err(NotSold::NoCore));
        coretime.buy_lease(0, 2, 15, 1).unwrap();
        assert!(matches!(coretime.buy_lease(0, 3, 100, 1), Err(NotSold::Purse { purse: 0, .. })));
    }

    #[test]
    fn a_leases_price_falls_to_its_floor_during_a_sale() {
        let coretime = coretime(1);
        let prices: Vec<u64> = [0, 25, 50, 99].map(|now| coretime.lease_price(now, 10)).to_vec();
        assert!(prices[0] > prices[1] && prices[1] > prices[2], "{prices:?}");
        assert_eq!(prices[2], prices[3]);
        assert_eq!(prices[3], 10 * Prices::default().lease_floor);
    }

    #[test]
    fn orders_are_served_in_turn_cost_more_when_many_wait_and_are_used_once() {
        let mut coretime = coretime(1);
        let first = coretime.order(0, 1, u64::MAX).unwrap();
        let second = coretime.order(0, 2, u64::MAX).unwrap();
        assert!(second > first);
        assert_eq!(coretime.order(0, 2, first), Err(NotSold::Limit { price: first * 3 / 2, limit: first }));
        assert_eq!((coretime.core_of(1, 1), coretime.core_of(2, 1)), (Some(0), None));
        coretime.used(1, 1);
        assert_eq!((coretime.core_of(1, 1), coretime.core_of(2, 1)), (None, Some(0)));
        coretime.lapse(ORDER_BLOCKS);
        assert_eq!(coretime.core_of(2, 1), None);
    }

    #[test]
    fn orders_are_served_by_cores_that_nobody_leases() {
        let mut coretime = coretime(2);
        coretime.order(0, 2, u64::MAX).unwrap();
        coretime.buy_lease(0, 1, 0, 10).unwrap();
        assert_eq!((coretime.core_of(1, 1), coretime.core_of(2, 1)), (Some(0), Some(1)));
        coretime.used(1, 1);
        assert_eq!(coretime.core_of(2, 1), Some(1), "a leased core uses up nobody's order");
    }
}
