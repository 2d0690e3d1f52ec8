//! Where someone comes from, as far as it is counted: an address, or the network of one customer.

use std::net::{IpAddr, Ipv6Addr};

/// An address for which things are counted. Without `Debug` and `Display`, so that it reaches no log and no record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// One customer of IPv6 has a whole /64.
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V4(four) => IpAddr::V4(four),
            IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert!(Network::of(address.parse().unwrap()).0 == counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
