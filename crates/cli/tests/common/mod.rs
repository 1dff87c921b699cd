//! Runs the command as a person would.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The command, without what the environment of the tests would change.
pub fn yilian(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yilian"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["YILIAN_NETWORK", "YILIAN_NODE", "YILIAN_AUTHORITY", "YILIAN_PASSPHRASE", "YILIAN_LOG"] {
        command.env_remove(variable);
    }
    command
}

pub fn run(arguments: &[&str]) -> Ran {
    run_in(Path::new("."), arguments)
}

pub fn run_in(dir: &Path, arguments: &[&str]) -> Ran {
    ended(yilian(arguments).current_dir(dir).output().unwrap())
}

pub fn ended(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Standard output of a command that must have succeeded.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Standard error of a command that must have failed with this exit code.
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }

    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.success()).unwrap()
    }
}
