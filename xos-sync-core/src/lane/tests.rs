use super::*;
use crate::{db::Engine, model::Model as _, models::Site, pending::By, toposort::Observers};

/// A lane that removes rows: it has one sweep, and needs no step.
fn lane() -> Lane {
    let questions = Questions::new(
        Site::INFO,
        None,
        &Observers::new(Engine::Sqlite),
        &[Site::INFO],
        "test",
        "me",
    );
    Lane::new(Site::INFO, None, questions, Micros(10))
}

fn purge(after: i64) -> Option<Question> {
    Some(Question::Next { want: Want::Purge, after })
}

/// Answers a question, quickly.
fn answer(
    lane: &mut Lane,
    question: &Option<Question>,
    last: Option<i64>,
    full: bool,
    now: Instant,
) {
    lane.answered(question.as_ref().unwrap(), last, full, Duration::ZERO, now);
}

#[test]
fn a_sweep_pages_by_the_last_key_and_ends_with_a_batch_that_is_not_full() {
    let (mut lane, now) = (lane(), Instant::now());
    for (after, last, full) in [(0, 17, true), (17, 40, true), (40, 45, false)] {
        let question = lane.next_question(now);
        assert_eq!(question, purge(after));
        // One question at a time.
        assert_eq!(lane.next_question(now), None);
        answer(&mut lane, &question, Some(last), full, now);
    }
    assert!(lane.is_idle());
    assert_eq!(lane.next_question(now), None);
}

#[test]
fn what_changes_while_a_question_is_out_is_looked_at_after_it() {
    let (mut lane, now) = (lane(), Instant::now());
    let question = lane.next_question(now);
    lane.look_again();
    answer(&mut lane, &question, None, false, now);
    assert!(!lane.is_idle());
    assert_eq!(lane.next_question(now), purge(0));
}

#[test]
fn a_question_that_was_not_answered_is_asked_again_from_the_start() {
    let (mut lane, now) = (lane(), Instant::now());
    let question = lane.next_question(now);
    answer(&mut lane, &question, Some(17), true, now);
    let question = lane.next_question(now);
    assert_eq!(question, purge(17));
    lane.unanswered(question.as_ref().unwrap());
    let later = now + Duration::from_secs(1);
    lane.rest_until_at_least(later);
    assert_eq!(lane.next_question(now), None);
    assert_eq!(lane.rest_until(), Some(later));
    assert_eq!(lane.next_question(later), purge(0));
}

#[test]
fn sweeps_that_take_long_again_and_again_rest_in_between() {
    let (mut lane, mut now) = (lane(), Instant::now());
    // The first one may have been slow by chance.
    for took in [9, 2] {
        let question = lane.next_question(now);
        assert_eq!(question, purge(0));
        now += Duration::from_secs(took);
        lane.answered(question.as_ref().unwrap(), None, false, Duration::from_secs(took), now);
        lane.look_again();
    }
    assert_eq!(lane.next_question(now + Duration::from_secs(5)), None);
    assert_eq!(lane.next_question(now + Duration::from_secs(6)), purge(0));
}

#[test]
fn a_row_is_in_one_hand_at_a_time() {
    let mut lane = lane();
    assert!(lane.take(7, 100));
    assert!(!lane.take(7, 100));
    assert!(!lane.settled(7, 100));
    assert!(lane.take(7, 100));
    // Seen with another version meanwhile: its model is looked at again.
    assert!(!lane.take(7, 101));
    assert!(lane.settled(7, 100));
    // Wanted by another lane of the same model.
    assert!(lane.take(7, 101));
    assert!(lane.is_wanted_elsewhere(7));
    assert!(lane.settled(7, 101));
    assert!(!lane.is_wanted_elsewhere(7));
}

#[test]
fn an_answer_that_was_read_before_a_row_was_settled_does_not_bring_it_back() {
    let (mut lane, now) = (lane(), Instant::now());
    assert!(lane.take(7, 100));
    let question = lane.next_question(now);
    lane.settled(7, 100);
    answer(&mut lane, &question, Some(7), false, now);
    assert!(!lane.take(7, 100));
    // A newer version is another matter, and so is a newer question.
    assert!(lane.take(7, 101));
    lane.settled(7, 101);
    lane.look_again();
    let question = lane.next_question(now);
    answer(&mut lane, &question, Some(7), false, now);
    assert!(lane.take(7, 101));
}

#[test]
fn wake_ups_that_are_too_many_become_a_sweep() {
    let (mut lane, now) = (lane(), Instant::now());
    let question = lane.next_question(now);
    answer(&mut lane, &question, None, false, now);
    let wake =
        |at: usize| Wake { want: Want::Purge, by: By::Reference("x"), condition: format!("{at}") };
    lane.wake(wake(0));
    let question = lane.next_question(now);
    assert_eq!(question, Some(Question::Woken(wake(0))));
    // A full answer is followed by a sweep.
    answer(&mut lane, &question, Some(9), true, now);
    let question = lane.next_question(now);
    assert_eq!(question, purge(0));
    answer(&mut lane, &question, None, false, now);
    assert!(lane.is_idle());
    (0..=MOST_WAKES).for_each(|at| lane.wake(wake(at)));
    let question = lane.next_question(now);
    assert_eq!(question, purge(0));
    answer(&mut lane, &question, None, false, now);
    assert!(lane.is_idle());
    // Wake-ups for what the lane does not do are none.
    lane.wake(Wake { want: Want::Sync, ..wake(0) });
    assert!(lane.is_idle());
}
