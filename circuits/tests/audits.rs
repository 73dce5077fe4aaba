//! Every gadget under the soundness kit: no hint and no variable can be changed alone without a constraint objecting,
//! and no set of them moves while the inputs stand still.

use zkpov_circuits::{
    gadgets::samples::{Inputs, Sample, gadgets, updates},
    soundness::{Audit, Finding, Jacobian, Report, constraint_names, without},
};

fn samples() -> impl Iterator<Item = Sample> {
    gadgets().into_iter().chain(updates())
}

fn sample(name: &str) -> Sample {
    samples().find(|sample| sample.name() == name).expect("a sample of this name")
}

#[test]
fn no_gadget_leaves_a_single_change_unnoticed() {
    for sample in samples() {
        for circuit in sample.cases(Inputs::Tied) {
            Audit::new(sample.name()).run(circuit).expect("an honest witness").assert_clean();
        }
    }
}

/// What an audit finds, but for hints at which a circuit gave up.
fn found(report: &Report) -> Vec<&Finding> {
    let gave_up = |finding: &&Finding| matches!(finding, Finding::Undetermined { .. });
    report.survivors.iter().filter(|finding| !gave_up(finding)).collect()
}

/// Runs the whole kit on a gadget with each of its constraints left out, once as it is and once with every change run to its
/// end. How many gadgets had more survivors than before, so that there was something to agree on.
fn agreed(name: &str) -> usize {
    let sample = sample(name);
    let mut holes = 0;
    for circuit in sample.cases(Inputs::Tied) {
        for constraint in constraint_names(&circuit).expect("a shape") {
            without(&[constraint], || {
                let quick = Audit::new(name).run(&circuit).expect("an honest witness");
                let always = Audit::new(name).running_always().run(&circuit).expect("an honest witness");
                assert_eq!(found(&quick), found(&always), "{name} without {constraint}");
                holes += usize::from(!quick.survivors.is_empty());
            });
        }
    }
    holes
}

#[test]
fn what_the_constraints_decide_alone_is_what_runs_decide_whatever_is_left_out() {
    for name in ["64 bits", "canonical bits", "is zero", "comparison of 32 bits"] {
        assert!(agreed(name) > 0, "{name}");
    }
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn what_the_constraints_decide_of_points_is_what_runs_decide_whatever_is_left_out() {
    for name in ["key of a new account", "EdDSA verification"] {
        assert!(agreed(name) > 0, "{name}");
    }
}

/// The inputs of gadgets are fixed, a path's siblings with them, and nothing holds what comes out.
fn jacobian(sample: &Sample) -> Jacobian {
    let jacobian = Jacobian::new(sample.name()).fix("input/*");
    if sample.name().ends_with("levels") { jacobian.fix("level[*]/sibling[*]") } else { jacobian }
}

#[test]
fn inputs_determine_every_gadget() {
    for sample in samples() {
        for circuit in sample.cases(Inputs::Free) {
            jacobian(&sample).run(circuit).expect("an honest witness").assert_clean();
        }
    }
}

#[test]
fn what_a_gadget_lacks_a_constraint_for_is_free() {
    for (name, constraint, hint) in [
        ("EdDSA verification", "eddsa/equation", "signature/r8/x"),
        ("EdDSA verification", "quotient", "eddsa/x"),
        ("key of a new account", "key/prime_subgroup", "key/eighth/x"),
        ("is zero", "is_zero/inverse_of_zero", "inverse"),
        ("64 bits", "bit", "bit"),
    ] {
        let sample = sample(name);
        let free = without(&[constraint], || {
            let circuit = sample.cases(Inputs::Free).next().expect("a case");
            jacobian(&sample).run(circuit).expect("an honest witness").undeclared
        });
        let moves = free.iter().any(|direction| direction.paths().any(|path| path == hint));
        assert!(moves, "{name} without {constraint}: {free:?}");
    }
}
