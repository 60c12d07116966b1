//! The seeds of a target through its assertions, for the ordinary tests of a crate in `crates/`.

/// Runs every seed of this target; there must be some.
pub fn replay(target: &str, check: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let seeds = std::fs::read_dir(&folder).expect("a folder of seeds");
    let mut seeds: Vec<_> = seeds.map(|seed| seed.expect("a seed").path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds in {}", folder.display());
    for seed in seeds {
        let input = std::fs::read(&seed).expect("a seed");
        // Which one it was, where an assertion fails.
        println!("{}", seed.display());
        check(&input);
    }
}
