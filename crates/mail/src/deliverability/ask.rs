//! Asking the DNS for what a judgement wants, within a few seconds.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::facts::{Answer, Facts, Question};
use super::{KeySeen, OwnKey, Report, Subject, judge, see_key};
use crate::dns::DnsError;
use crate::guard::Network;

/// A page waits for this, and no longer.
const PATIENCE: Duration = Duration::from_millis(4_800);
/// Records of one domain with everything that they include. What is wanted beyond counts as not answered.
const MOST_QUESTIONS: usize = 100;

/// Looks the domain up. What is not answered in time is said to be unknown.
pub async fn look_up(network: &Network, subject: &Subject) -> Report {
    let (mut facts, end) = (Facts::default(), Instant::now() + PATIENCE);
    loop {
        let report = judge(&mut facts, subject);
        let wanted = facts.wanted();
        if wanted.is_empty() {
            return report;
        }
        ask(network, &mut facts, wanted, end).await;
    }
}

/// Looks for the record of a key of ours.
pub async fn look_for(network: &Network, domain: &str, key: &OwnKey) -> KeySeen {
    let (mut facts, end) = (Facts::default(), Instant::now() + PATIENCE);
    let _ = see_key(&mut facts, domain, key);
    let wanted = facts.wanted();
    ask(network, &mut facts, wanted, end).await;
    see_key(&mut facts, domain, key)
}

/// Asks all at once. Each question has an answer afterwards, be it that there was none.
async fn ask(network: &Network, facts: &mut Facts, wanted: Vec<Question>, end: Instant) {
    let mut asking = JoinSet::new();
    let room = MOST_QUESTIONS.saturating_sub(facts.len());
    for question in wanted.iter().take(room).cloned() {
        let network = network.clone();
        asking.spawn(async move {
            let answer = answer(&network, &question).await;
            (question, answer)
        });
    }
    for question in wanted {
        facts.learn(question, Answer::Failed);
    }
    while let Ok(Some(ended)) = timeout_at(end, asking.join_next()).await {
        if let Ok((question, answer)) = ended {
            facts.learn(question, answer);
        }
    }
}

async fn answer(network: &Network, question: &Question) -> Answer {
    let answered = match question {
        Question::Txt(name) => network.dns().txt(name).await.map(Answer::Txt),
        Question::Mx(name) => {
            let found = network.dns().mx(name).await;
            found.map(|all| Answer::Mx(all.into_iter().map(|mx| (mx.preference, mx.exchange)).collect()))
        }
        Question::Addresses(name) => network.dns().addresses(name, false).await.map(Answer::Addresses),
    };
    answered.unwrap_or_else(|error| match error {
        DnsError::NotFound => Answer::NoDomain,
        DnsError::NoRecords => Answer::NoRecords,
        DnsError::Failed | DnsError::Timeout => Answer::Failed,
    })
}
