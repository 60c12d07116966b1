//! temp
fn main() {
    let paths: Vec<std::path::PathBuf> = std::env::args().skip(1).filter(|a| a != "--json").map(Into::into).collect();
    use std::io::Write;
    writeln!(std::io::stdout(), "{}", portcullis_accesslog::command::temp(&paths)).unwrap();
}
