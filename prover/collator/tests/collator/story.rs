//! What `zkpov relay` and `zkpov demo --messages` tell: the same for the same seed, and that all ends well.

use std::process::Command;

use serde_json::Value;

fn told(words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zkpov"))
        .args(words.split_whitespace())
        .env_remove("RUST_LOG")
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{words}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The lines without what is measured: how long proofs took, and all of it.
fn without_times(text: &str) -> Vec<String> {
    const BEGINS: &str = "proven in ";
    let timeless = |line: &str| match line.split_once(BEGINS) {
        Some((before, after)) => {
            let after = after.split_once(',').map_or("", |(_, after)| after);
            format!("{before}{BEGINS}…,{after}")
        }
        None => line.to_owned(),
    };
    text.lines().filter(|line| !line.starts_with("All of it took")).map(timeless).collect()
}

fn events(text: &str) -> Vec<Value> {
    let event = |line: &str| {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        event.as_object_mut().expect("an object").remove("prove_seconds");
        event
    };
    text.lines().map(event).collect()
}

fn are(events: &[Value], name: &str) -> usize {
    events.iter().filter(|event| event["event"] == name).count()
}

#[test]
fn a_story_is_told_twice_the_same() {
    let words = "relay --seed 7 --blocks 10 --forks 30 --finality 6";
    let [first, second] = [(); 2].map(|()| without_times(&told(words)));
    assert!(first.iter().any(|line| line.contains("goes back")), "a fork that undoes something: {first:#?}");
    assert!(first.iter().any(|line| line.contains("refused")), "somebody who forges: {first:#?}");
    assert_eq!(first, second);
}

#[test]
fn a_story_with_messages_is_told_twice_the_same_and_no_token_is_made_or_lost_in_it() {
    let words = "relay --json --messages --collators 1 --seed 2 --blocks 8 --forks 25 --finality 6";
    let [first, second] = [(); 2].map(|()| events(&told(words)));
    assert_eq!(first, second);
    for event in ["channel_opened", "message_queued", "messages_taken", "reverted"] {
        assert!(are(&first, event) > 0, "{event}: {first:#?}");
    }
    let moved = |way: &str| {
        let authored = first.iter().filter(|event| event["event"] == "authored");
        authored.map(|event| event[way].as_array().map_or(0, Vec::len)).sum::<usize>()
    };
    assert!(moved("arrived") > 0 && moved("sent") > 0);
}

#[test]
fn the_demonstration_of_messages_ends_with_the_sum_that_it_began_with() {
    let result: Value = serde_json::from_str(&told("demo --messages --json")).expect("one object");
    let sum = |when: &str| -> u128 {
        let balances = result[when].as_object().expect("balances");
        balances.values().map(|balance| balance.as_str().unwrap_or_default().parse::<u128>().unwrap()).sum()
    };
    assert_eq!(sum("balances_before"), sum("balances_after"));
    assert_ne!(result["balances_before"], result["balances_after"], "tokens have moved");
    assert_eq!(result["attacks"].as_array().map(Vec::len), Some(5));
    assert_eq!(result["result"], "done");
}
