use std::time::{Duration, Instant};

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Grants what it asks for, as the database does for the only process: the bucket's next free
/// moment in microseconds after the start.
fn serve(bucket: &mut Bucket, free_at: &mut i64, start: Instant, now: Instant) {
    let micros = i64::try_from(now.duration_since(start).as_micros()).unwrap();
    let period = i64::try_from(bucket.budget().period().as_micros()).unwrap();
    let burst = i64::from(bucket.budget().burst - 1) * period;
    while let Some(Request { tokens, .. }) = bucket.request(now) {
        let first = (*free_at).max(micros - burst);
        *free_at = first + period * i64::from(tokens);
        bucket.granted(tokens, first - micros, now);
    }
}

/// When calls begin, in milliseconds, of so many that are always waiting.
fn times(budget: Budget, calls: usize, waiting: usize) -> Vec<u128> {
    let mut bucket = Bucket::new(budget);
    let (start, mut free_at, mut times) = (Instant::now(), 0, Vec::new());
    let mut now = start + 10_000 * MS;
    let begun = now;
    while times.len() < calls {
        bucket.begin();
        let drawn = bucket.draw(waiting, now);
        times.extend(std::iter::repeat_n(now.duration_since(begun).as_millis(), drawn));
        serve(&mut bucket, &mut free_at, start, now);
        now += MS;
    }
    times
}

#[test]
fn calls_begin_at_the_budgets_pace() {
    assert_eq!(times(Budget::new("b", 100.0), 5, 1), [1, 10, 20, 30, 40]);
    assert_eq!(times(Budget::new("b", 100.0), 5, 50), [1, 10, 20, 30, 40]);
}

#[test]
fn a_burst_comes_at_once_and_then_the_pace() {
    assert_eq!(times(Budget::new("b", 100.0).burst(3), 6, 50), [1, 1, 1, 10, 20, 30]);
}

#[test]
fn tokens_that_nobody_used_lapse() {
    let mut bucket = Bucket::new(Budget::new("b", 100.0));
    let now = Instant::now();
    bucket.begin();
    assert_eq!(bucket.draw(30, now), 0);
    assert_eq!(bucket.request(now).map(|request| request.tokens), Some(25));
    assert_eq!(bucket.request(now), None);
    bucket.granted(25, 0, now);
    // A second later nobody makes up for what was held up.
    assert_eq!(bucket.draw(30, now + 1000 * MS), 0);
    assert_eq!(bucket.due(), None);
}

#[test]
fn who_finds_no_token_is_told_when_to_come_back() {
    let mut bucket = Bucket::new(Budget::new("b", 10.0));
    let now = Instant::now();
    bucket.begin();
    assert_eq!((bucket.draw(1, now), bucket.due()), (0, None));
    assert!(bucket.request(now).is_some());
    bucket.refused(now + 500 * MS);
    assert_eq!((bucket.request(now), bucket.due()), (None, Some(now + 500 * MS)));
    assert!(bucket.request(now + 500 * MS).is_some());
    bucket.granted(1, 70_000, now + 500 * MS);
    assert_eq!(bucket.due(), Some(now + 570 * MS));
    bucket.begin();
    assert_eq!(bucket.draw(2, now + 570 * MS), 1);
    // Nobody wants one: nothing is due, and nothing is taken.
    bucket.begin();
    assert_eq!((bucket.due(), bucket.request(now + 570 * MS)), (None, None));
}

#[test]
fn a_budget_is_read_from_text() {
    assert_eq!("cloud = 0.5".parse(), Ok(Budget::new("cloud", 0.5)));
    for (text, message) in [
        (
            "cloud",
            "`cloud` is not a budget: write NAME=RATE or NAME=RATE:BURST, with the rate in calls a second, as in cloud=20:40",
        ),
        (
            "cloud=x",
            "`cloud=x` is not a budget: write NAME=RATE or NAME=RATE:BURST, with the rate in calls a second, as in cloud=20:40",
        ),
        (
            "cloud=0",
            "the budget cloud=0:1 allows a number of calls a second that makes no sense: write one from 0.00002 to 1000000",
        ),
        (
            "cloud=NaN",
            "the budget cloud=NaN:1 allows a number of calls a second that makes no sense: write one from 0.00002 to 1000000",
        ),
        ("cloud=1:0", "the budget cloud=1:0 allows no call at all: its burst is 1 or more"),
        ("=1", "the budget =1:1 has no name"),
    ] {
        assert_eq!(text.parse::<Budget>().unwrap_err(), message);
    }
}
