//! Every function at a learning rate tuned for it, over seeds.

use std::process::ExitCode;

use crate::Result;
use crate::arguments::Args;
use crate::jobs::Jobs;

pub fn compare(_args: &Args, _jobs: &Jobs<'_>) -> Result<ExitCode> {
    Err("not yet".into())
}
