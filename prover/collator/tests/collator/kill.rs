//! `zkpov author` is killed at random moments, and run again.

use std::time::Instant;

use rand::{Rng, SeedableRng, rngs::StdRng};
use zkpov_collator::{chain::ChainReader, db::ReadDatabase};

use crate::{process::kill_after, stage::Files};

/// After a kill, the database opens at the last complete block, and authoring again ends with the same block
/// as on a chain that was never disturbed.
fn kills(count: u32, seed: u64) {
    let undisturbed = Files::new();
    let start = Instant::now();
    assert_eq!(undisturbed.run(Files::author()).code(), 0);
    let whole = start.elapsed();
    let head = std::fs::read(undisturbed.path("block-1.head")).unwrap();

    let mut random = StdRng::seed_from_u64(seed);
    let (mut before, mut after) = (0, 0);
    for round in 0..count {
        let files = Files::new();
        let delay = whole.mul_f64(random.gen_range(0.0..1.1));
        let killed = kill_after(&mut files.command(Files::author()), None, delay);
        let tip = ChainReader::open(&files.path("chain")).expect("it opens").database.tip().unwrap();
        match tip.number {
            0 => before += 1,
            1 => after += 1,
            other => panic!("block {other} after one author"),
        }
        assert!(!killed.ended_first || tip.number == 1);
        let printed = !killed.lines.is_empty();
        assert!(!printed || files.path("block-1.head").exists(), "a result is printed when all is in place");
        let pov = std::fs::read(files.path("block-1.pov"));
        assert!(
            pov.is_err() || pov.unwrap() == tip.pov,
            "a proven block is in place whole, and after its commit"
        );

        let again = files.run(Files::author());
        assert_eq!(again.code(), 0, "round {round}, killed after {delay:?}: {}", again.stderr());
        assert_eq!(std::fs::read(files.path("block-1.head")).unwrap(), head, "round {round}");
        if tip.number == 1 {
            assert_eq!(
                std::fs::read(files.path("block-1.pov")).unwrap(),
                tip.pov,
                "not proven a second time"
            );
        }
    }
    println!("{count} kills within {whole:?}: {before} before the commit, {after} after it");
}

#[test]
fn author_killed_a_few_times_ends_at_the_same_head() {
    kills(3, 1);
}

#[test]
#[ignore = "long: run by scripts/test-crash"]
fn long_author_killed_fifty_times_ends_at_the_same_head() {
    let seed = rand::thread_rng().r#gen();
    println!("seed {seed}");
    kills(50, seed);
}
