//! `baton train --from-labels`: what people on site said of their messages in, a model
//! folder out that can be adopted. It reads the database and never writes to it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::store::{installation, opened_to_read};
use super::{Failure, print};
use crate::domain::tuning::Evidence;
use crate::flow::ports::{Labels as _, ModelVersions as _};
use crate::nlp::bundle::Bundle;
use crate::nlp::train::compare::Compared;
use crate::nlp::train::from_labels::{Learned, Plan, learn};
use crate::nlp::{models, worker};

/// What `baton train` was asked, as far as it matters here.
pub(super) struct Asked<'a> {
    /// The configuration of the service.
    pub config: Option<&'a Path>,
    /// The data folder of the service.
    pub installation: Option<&'a Path>,
    /// The labelled text that Baton came with.
    pub data: Option<&'a Path>,
    /// The model to start from, in the place of the one that is live.
    pub model: Option<&'a Path>,
    /// Where the model is written, in the place of the installation's own folder.
    pub out: Option<&'a Path>,
    /// Where chance starts.
    pub seed: u64,
    /// Threads of the engine.
    pub threads: i32,
}

/// Learns, prints how both models did, and says where the new one is.
///
/// # Errors
///
/// Exit 1 when there are too few labels, or when something would get worse; nothing is written then.
pub(super) fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let config = installation(asked.config, asked.installation)?;
    let store = opened_to_read(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (evidence, adopted) = runtime.block_on(async {
        let newest = store.model_versions().await?.into_iter().next();
        Ok::<(Vec<Evidence>, _), Failure>((store.evidence().await?, newest))
    })?;
    let folder = models::folder(&config.server.data);
    let live = match (asked.model, adopted.filter(|adopted| !adopted.is_shipped())) {
        (Some(model), _) => model.to_owned(),
        (None, Some(adopted)) => folder.join(&adopted.folder),
        (None, None) => worker::find(None).context("no model folder was found")?,
    };
    let manifest = Bundle::open(&live).context("the live model cannot be learned from")?.manifest;
    let version = models::next_version(&folder, &manifest.version);
    let plan = Plan {
        out: asked.out.map_or_else(|| folder.join(format!("{}-{version}", manifest.name)), Path::to_owned),
        data: asked.data.map(Path::to_owned).or_else(labelled_text),
        live,
        version,
        seed: asked.seed,
        threads: asked.threads,
    };
    if let Some(above) = plan.out.parent() {
        std::fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
    }
    eprintln!("learning from {} in {}", manifest.version, plan.live.display());
    let learned = learn(&plan, &evidence, &mut |line| eprintln!("{line}"))?;
    print(&table(&learned))?;
    if !learned.worse.is_empty() {
        return Err(Failure::Failed(anyhow!("not written, it would be worse: {}", learned.worse.join("; "))));
    }
    eprintln!("written to {}; make it live with: baton model adopt {}", plan.out.display(), plan.version);
    Ok(())
}

/// The labelled text that came with Baton: here, beside the program, or where it was built.
fn labelled_text() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("models/data")));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/data");
    [Some(PathBuf::from("models/data")), beside, Some(built)]
        .into_iter()
        .flatten()
        .find(|folder| folder.is_dir())
}

fn table(learned: &Learned) -> String {
    let mut lines =
        vec![format!("{:<6} {:<14} {:<7} {:>6}  {:>6}  {:>6}", "on", "head", "figure", "n", "live", "new")];
    for Compared { on, head, figure, n, change } in &learned.table {
        lines
            .push(format!("{on:<6} {head:<14} {figure:<7} {n:>6}  {:>6.3}  {:>6.3}", change.old, change.new));
    }
    lines.join("\n")
}
