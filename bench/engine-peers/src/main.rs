//! The binary that times: its allocator is the system's.

fn main() -> std::process::ExitCode {
    engine_peers::command::run()
}
