//! Who is connected: nobody of the network may take all the places.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections one address of the network may have at one time; the node itself may have all.
const OF_ONE_MAX: usize = 16;

/// The addresses that are connected, each with how often.
#[derive(Clone, Debug, Default)]
pub struct Guests(Arc<Mutex<BTreeMap<IpAddr, usize>>>);

/// One connection, until it is dropped.
#[derive(Debug)]
pub struct Guest {
    guests: Guests,
    from: IpAddr,
}

impl Guests {
    /// A place for one more from an address, where it may have one.
    pub fn admit(&self, from: IpAddr) -> Option<Guest> {
        let from = from.to_canonical();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(from).or_default();
        if *count >= OF_ONE_MAX && !from.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Guest { guests: self.clone(), from })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_address_does_not_take_the_places_of_others() {
        let [one, same, other, node] =
            ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "127.0.0.1"].map(|text| text.parse().unwrap());
        let guests = Guests::default();
        let mut inside: Vec<Guest> = (0..OF_ONE_MAX).map(|_| guests.admit(one).unwrap()).collect();
        assert!(guests.admit(one).is_none() && guests.admit(same).is_none());
        assert!(guests.admit(other).is_some());
        let own: Vec<Guest> = (0..2 * OF_ONE_MAX).map(|_| guests.admit(node).unwrap()).collect();
        inside.pop();
        assert!(guests.admit(same).is_some());
        drop((inside, own));
        assert!(guests.0.lock().unwrap().is_empty());
    }
}
