//! The command `yilian`.

fn main() -> std::process::ExitCode {
    yilian_cli::run()
}
