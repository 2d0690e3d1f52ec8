//! Where the delay is going.

use super::groups::Group;

/// The slope of the straight line that fits the groups best (least squares): by how many microseconds the delay
/// grows in a millisecond. 1,000 is a path that carries half of what is sent. None for fewer than three groups.
pub(super) fn slope(groups: impl Iterator<Item = Group> + Clone) -> Option<i64> {
    let first = groups.clone().next()?;
    // The window is a third of a second and delays lie within ten seconds of each other: the sums of 64 fit.
    let points = groups.map(|group| (milliseconds(group, first), group.delay - first.delay));
    let (mut count, mut sum_x, mut sum_y) = (0_i64, 0_i64, 0_i64);
    for (x, y) in points.clone() {
        (count, sum_x, sum_y) = (count + 1, sum_x + x, sum_y + y);
    }
    if count < 3 {
        return None;
    }
    let (mut rise, mut run) = (0_i64, 0_i64);
    for (x, y) in points {
        let from_middle = count * x - sum_x;
        rise += from_middle * (y - sum_y / count);
        run += from_middle * from_middle / count;
    }
    rise.checked_div(run)
}

fn milliseconds(group: Group, first: Group) -> i64 {
    i64::try_from(group.sent.since(first.sent).as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Instant;

    fn groups(delays: &[i64]) -> impl Iterator<Item = Group> + Clone {
        (0..).zip(delays).map(|(n, delay)| Group { sent: Instant::ZERO + Duration::from_millis(10 * n), delay: *delay })
    }

    #[test]
    fn the_slope_is_that_of_the_line() {
        for (delays, expected) in [
            (&[0, 0][..], None),
            (&[5, 5, 5, 5], Some(0)),
            (&[0, 10_000, 20_000, 30_000], Some(1_000)),
            (&[90_000, 87_000, 84_000, 81_000], Some(-300)),
            (&[-4_000, 6_000, -4_000, 6_000, -4_000], Some(0)),
        ] {
            assert_eq!(slope(groups(delays)), expected, "{delays:?}");
        }
    }

    #[test]
    fn packets_of_one_moment_have_no_slope() {
        let same = [Group::default(); 5];
        assert_eq!(slope(same.into_iter()), None);
    }
}
