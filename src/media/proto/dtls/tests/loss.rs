//! Handshakes on bad paths.

use std::time::Duration;

use boring::ssl::SslVersion;

use super::browser::Habits;
use super::network::{Network, To};
use super::*;

/// BoringSSL's first timer; each next one is twice as long.
const TIMER: Duration = Duration::from_millis(400);

const VERSIONS: [SslVersion; 2] = [SslVersion::DTLS1_2, SslVersion::DTLS1_3];

/// Runs a handshake whose `lost`th flight does not arrive: a flight is what one side sends at one moment.
fn without_flight(newest: SslVersion, lost: usize) -> (Network, usize) {
    let mut network = Network::new(&Habits::newest(newest));
    let mut flights: Vec<(Instant, To)> = Vec::new();
    network.run(&mut |now, to, datagram| {
        if flights.last() != Some(&(now, to)) {
            flights.push((now, to));
        }
        if flights.len() == lost + 1 { vec![] } else { vec![datagram] }
    });
    (network, flights.len())
}

#[test]
fn any_one_lost_flight_costs_at_most_two_timers() {
    for newest in VERSIONS {
        // The last flight of a clean handshake, 3, is ours: the Finished of 1.2, the ACK of 1.3.
        let (_, flights) = without_flight(newest, usize::MAX - 1);
        assert_eq!(flights, 4, "{newest:?}");
        for lost in 0..flights {
            let (network, _) = without_flight(newest, lost);
            assert!(network.both_connected(), "{newest:?} without flight {lost}");
            let took = network.now.since(START);
            assert!(took >= TIMER && took <= 2 * TIMER + 6 * Duration::from_millis(20), "{newest:?} {lost}: {took:?}");
        }
    }
}

/// Small, and the same everywhere: Steele's SplitMix64.
struct Dice(u64);

impl Dice {
    fn percent(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % 100
    }
}

#[test]
fn handshakes_survive_random_loss() {
    for (loss, trials, least) in [(5, 16, 16), (10, 16, 16), (30, 24, 23)] {
        let (mut connected, mut seen, mut lost) = (0, 0, 0);
        for (seed, newest) in (0..trials).zip(VERSIONS.into_iter().cycle()) {
            let mut dice = Dice(seed);
            let mut network = Network::new(&Habits::newest(newest));
            let mut treat = |_, _, datagram| {
                let arrives = dice.percent() >= loss;
                seen += 1;
                lost += u64::from(!arrives);
                if arrives { vec![datagram] } else { vec![] }
            };
            network.run_until(&mut treat, |network| network.both_connected());
            connected += u64::from(network.both_connected());
        }
        assert!(lost > 0 && lost * 100 / seen <= loss * 2, "{lost} of {seen} were lost");
        assert!(connected >= least, "{connected} of {trials} at {loss} %");
    }
}

#[test]
fn duplicates_and_reordering_are_harmless() {
    for newest in VERSIONS {
        let mut network = Network::new(&Habits::newest(newest));
        let mut held: Vec<(To, Vec<u8>)> = Vec::new();
        network.run(&mut |_, to, datagram| {
            let late = held.iter().position(|&(for_whom, _)| for_whom == to).map(|at| held.remove(at).1);
            held.push((to, datagram.clone()));
            [Some(datagram.clone()), late, Some(datagram)].into_iter().flatten().collect()
        });
        assert!(network.both_connected(), "{newest:?}");
        assert!(network.now.since(START) < TIMER);
    }
}
