//! Writes Poseidon's constants, `verifier/src/poseidon/constants/t{2..=17}.bin`, from the Grain LFSR.

mod generate;

fn main() -> std::io::Result<()> {
    for width in generate::WIDTHS {
        let plain = generate::Plain::new(width);
        let path = generate::path(width);
        std::fs::write(&path, generate::Optimised::new(&plain).to_bytes())?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
