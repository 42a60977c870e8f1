//! The threads that own the model, and the desk where work for them waits.
//!
//! Nothing here blocks whoever asks: the desk is bounded and says when it is
//! full. A worker that crashes or hangs is abandoned once; everybody who waits
//! for it is told at once, and words go on. There is no second try.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    NlpError, batch, examples,
    fault::FaultHandle,
    model::{Model, Precision},
    own_intents::{Index, Vectors},
    reading::{analyze_with, explain},
    repeats::Memory,
};
use crate::{
    domain::analysis::{Analysis, Head, OwnIntents, WordWeight},
    flow::ports::AnalyzerStatus,
};

/// How the threads work.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The model folder.
    pub folder: PathBuf,
    /// How many texts may wait.
    pub capacity: usize,
    /// How many threads own a model.
    pub n_threads: usize,
    /// The most texts computed together.
    pub most_in_batch: usize,
    /// A batch that takes longer than this will never end.
    pub hangs_after: Duration,
    /// How many analyses are remembered for texts that come again.
    pub n_repeats: usize,
    /// The number format, or the quicker one of this machine.
    pub precision: Option<Precision>,
    /// Breaks the worker, for tests of what happens then.
    pub faults: Option<Arc<FaultHandle>>,
}

/// How much less important than whoever acknowledges messages these threads are to the processor, as `nice` says it:
/// where both want one core, they have a quarter of it.
const LESS_IMPORTANT: i32 = 5;

/// Sentence vectors that are kept for who asks for them after an analysis.
const LATELY: usize = 512;

/// Where work waits, and what is known of the workers.
pub struct Desk {
    state: Mutex<State>,
    wake: Condvar,
    capacity: usize,
    hangs_after: Duration,
    examples: Vectors,
    /// Somebody asks for sentence vectors: analyses make them in the same pass from then on.
    are_vectors_wanted: AtomicBool,
}

struct State {
    waiting: VecDeque<Work>,
    /// What takes longer than an analysis and can wait: done one by one, when nothing else waits.
    aside: VecDeque<Work>,
    running: Vec<Running>,
    status: AnalyzerStatus,
    precision: Option<Precision>,
    memory: Memory,
    is_closed: bool,
    /// The site's own intents, which every analysis looks for.
    own: Arc<Index>,
    /// Who wants to know when their examples are read.
    told: Vec<oneshot::Sender<()>>,
    /// Whether a worker reads examples now.
    is_reading: bool,
    /// Whether examples were read last: messages and examples take turns.
    has_read_last: bool,
}

/// A batch in the hands of a worker. Its answers stay here, so that they can be
/// dropped when the worker is abandoned.
struct Running {
    worker: usize,
    since: Instant,
    answers: Vec<Answer>,
}

struct Work {
    text: String,
    answer: Answer,
    /// In which era it was handed in.
    era: u64,
}

enum Answer {
    Analysis(oneshot::Sender<Analysis>),
    Words(Head, oneshot::Sender<Vec<WordWeight>>),
    Vectors(Vec<String>, oneshot::Sender<Vec<Vec<f32>>>),
    Own(Vec<String>, Arc<Index>, oneshot::Sender<Vec<OwnIntents>>),
}

impl Answer {
    /// Whether messages go before it: nobody who talks waits for it alone.
    fn can_wait(&self) -> bool {
        match self {
            Self::Words(..) => true,
            Self::Vectors(texts, _) => texts.len() > 1,
            Self::Analysis(_) | Self::Own(..) => false,
        }
    }
}

enum Done {
    Analysis(Box<Analysis>, Option<Vec<f32>>),
    Words(Vec<WordWeight>),
    Vectors(Vec<Vec<f32>>),
    Own(Vec<OwnIntents>),
}

impl Desk {
    /// Starts the threads. They load the model by themselves; until then the
    /// status is `Loading` and nothing is accepted.
    pub fn open(setup: &Setup) -> Arc<Self> {
        let desk = Arc::new(Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                aside: VecDeque::new(),
                running: Vec::new(),
                status: AnalyzerStatus::Loading,
                precision: None,
                memory: Memory::new(setup.n_repeats, LATELY),
                is_closed: false,
                own: Arc::default(),
                told: Vec::new(),
                is_reading: false,
                has_read_last: false,
            }),
            wake: Condvar::new(),
            capacity: setup.capacity.max(1),
            hangs_after: setup.hangs_after,
            examples: Vectors::default(),
            are_vectors_wanted: AtomicBool::new(false),
        });
        for worker in 0..setup.n_threads.max(1) {
            let (setup, theirs) = (setup.clone(), Arc::clone(&desk));
            let started = std::thread::Builder::new()
                .name(format!("model-{worker}"))
                .spawn(move || run(worker, &setup, &theirs));
            if let Err(error) = started {
                desk.fail(format!("its thread did not start: {error}"));
            }
        }
        desk
    }

    /// How the model is. Notices a worker that hangs.
    pub fn status(&self) -> AnalyzerStatus {
        let mut state = lock(&self.state);
        self.notice_hanging(&mut state);
        state.status.clone()
    }

    /// The number format in use, once the model is there.
    pub fn precision(&self) -> Option<Precision> {
        lock(&self.state).precision
    }

    /// Waits until the model is there or known not to come.
    pub fn wait_until_loaded(&self) -> AnalyzerStatus {
        let mut state = lock(&self.state);
        while state.status == AnalyzerStatus::Loading {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.status.clone()
    }

    /// Forgets every text, also those that are at work now.
    pub fn forget(&self) {
        lock(&self.state).memory.forget();
    }

    /// How many texts had come before and were not analyzed again.
    pub fn n_repeats_found(&self) -> u64 {
        lock(&self.state).memory.analyses.n_found()
    }

    /// Hands in a text to analyze. One that came before is answered at once.
    pub fn analyze(&self, text: &str) -> Option<oneshot::Receiver<Analysis>> {
        let (tx, rx) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.status.is_ready()
            && let Some(analysis) = state.memory.analyses.find(text)
        {
            drop(tx.send(analysis));
            return Some(rx);
        }
        drop(state);
        self.hand_in(text.to_owned(), Answer::Analysis(tx)).then_some(rx)
    }

    /// Hands in a text to explain.
    pub fn explain(&self, text: &str, head: Head) -> Option<oneshot::Receiver<Vec<WordWeight>>> {
        let (tx, rx) = oneshot::channel();
        self.hand_in(text.to_owned(), Answer::Words(head, tx)).then_some(rx)
    }

    /// Hands in texts to make vectors of. One text that was analyzed just now is answered at once.
    pub fn embed(&self, texts: Vec<String>) -> Option<oneshot::Receiver<Vec<Vec<f32>>>> {
        let (tx, rx) = oneshot::channel();
        self.are_vectors_wanted.store(true, Ordering::Relaxed);
        if let [text] = texts.as_slice() {
            let mut state = lock(&self.state);
            let found = if state.status.is_ready() { state.memory.vectors.find(text) } else { None };
            if let Some(vector) = found {
                drop(tx.send(vec![vector]));
                return Some(rx);
            }
        }
        self.hand_in(String::new(), Answer::Vectors(texts, tx)).then_some(rx)
    }

    /// Looks for these intents from now on: by words at once, by vectors when a worker has read their examples.
    pub fn learn(&self, index: Index) -> oneshot::Receiver<()> {
        let (tx, rx) = oneshot::channel();
        let mut state = lock(&self.state);
        if index.is_empty() {
            tx.send(()).ok();
            state.told.clear();
        } else if state.status.is_ready() || state.status == AnalyzerStatus::Loading {
            state.told = vec![tx];
        }
        state.own = Arc::new(index);
        state.memory.analyses.forget();
        drop(state);
        self.wake.notify_all();
        rx
    }

    /// The intents that are looked for.
    pub fn own(&self) -> Arc<Index> {
        Arc::clone(&lock(&self.state).own)
    }

    /// Hands in texts in which to look for intents that are not those of [`Desk::learn`].
    pub fn own_intents(&self, texts: &[String], index: Index) -> Option<oneshot::Receiver<Vec<OwnIntents>>> {
        let (tx, rx) = oneshot::channel();
        let answer = Answer::Own(texts.to_vec(), Arc::new(index), tx);
        self.hand_in(String::new(), answer).then_some(rx)
    }

    /// Lets the threads end when they have done what waits.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.wake.notify_all();
    }

    fn hand_in(&self, text: String, answer: Answer) -> bool {
        let mut state = lock(&self.state);
        self.notice_hanging(&mut state);
        if !state.status.is_ready() || state.is_closed {
            return false;
        }
        let era = state.memory.era();
        let queue = if answer.can_wait() { &mut state.aside } else { &mut state.waiting };
        if queue.len() >= self.capacity {
            return false;
        }
        queue.push_back(Work { text, answer, era });
        drop(state);
        self.wake.notify_one();
        true
    }

    fn notice_hanging(&self, state: &mut State) {
        let is_hanging = state.running.iter().any(|running| running.since.elapsed() > self.hangs_after);
        if is_hanging && state.status.is_ready() {
            abandon(state, format!("a batch took longer than {} s", self.hangs_after.as_secs_f64()));
            self.wake.notify_all();
        }
    }

    fn fail(&self, why: String) {
        abandon(&mut lock(&self.state), why);
        self.wake.notify_all();
    }

    /// What a worker does next; `None` when there will be no more.
    fn take(&self, worker: usize, most: usize) -> Option<Task> {
        let mut state = lock(&self.state);
        loop {
            let is_idle = state.waiting.is_empty() && state.aside.is_empty();
            if !state.status.is_ready() || state.is_closed && is_idle {
                return None;
            }
            let is_to_read = !state.own.is_empty() && !state.own.has_vectors() && !state.is_reading;
            if is_to_read && (is_idle || !state.has_read_last) {
                state.is_reading = true;
                state.has_read_last = true;
                state.running.push(Running { worker, since: Instant::now(), answers: Vec::new() });
                return Some(Task::Read(Arc::clone(&state.own)));
            }
            if !is_idle {
                break;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.has_read_last = false;
        let n_taken = batch::choose(state.waiting.iter().map(|work| work.text.len()), most);
        let taken: Vec<Work> = match n_taken {
            0 => state.aside.pop_front().into_iter().collect(),
            _ => state.waiting.drain(..n_taken).collect(),
        };
        let mut requests = Vec::with_capacity(taken.len());
        let mut answers = Vec::with_capacity(taken.len());
        let mut era = state.memory.era();
        for work in taken {
            era = era.min(work.era);
            let request = match &work.answer {
                Answer::Analysis(_) => Request::Analysis,
                Answer::Words(head, _) => Request::Words(*head),
                Answer::Vectors(texts, _) => Request::Vectors(texts.clone()),
                Answer::Own(texts, index, _) => Request::Own(texts.clone(), Arc::clone(index)),
            };
            requests.push((work.text, request));
            answers.push(work.answer);
        }
        state.running.push(Running { worker, since: Instant::now(), answers });
        let is_settled = state.own.is_empty() || state.own.has_vectors();
        Some(Task::Batch(requests, Looked { index: Arc::clone(&state.own), is_settled, era }))
    }

    /// Some examples were read. Who waits for the last of them is told.
    fn have_read(&self, worker: usize, index: &Arc<Index>) {
        let mut state = lock(&self.state);
        state.running.retain(|running| running.worker != worker);
        state.is_reading = false;
        let told = if index.has_vectors() && Arc::ptr_eq(index, &state.own) {
            std::mem::take(&mut state.told)
        } else {
            Vec::new()
        };
        drop(state);
        told.into_iter().for_each(|tx| {
            tx.send(()).ok();
        });
        self.wake.notify_all();
    }

    /// Long work shows that it goes on.
    fn still_working(&self, worker: usize) {
        let mut state = lock(&self.state);
        if let Some(running) = state.running.iter_mut().find(|running| running.worker == worker) {
            running.since = Instant::now();
        }
    }

    /// Gives the answers of a batch; too late for one that was abandoned.
    fn deliver(&self, worker: usize, requests: Vec<(String, Request)>, own: &Looked, done: Vec<Done>) {
        let mut state = lock(&self.state);
        let Some(at) = state.running.iter().position(|running| running.worker == worker) else { return };
        let running = state.running.swap_remove(at);
        for ((text, _), done) in requests.into_iter().zip(&done) {
            // What was looked for otherwise than it would be now is no answer to a repeat.
            let is_of_now = own.is_settled && Arc::ptr_eq(&own.index, &state.own);
            let Done::Analysis(analysis, vector) = done else { continue };
            if own.era < state.memory.era() {
                continue;
            }
            if let Some(vector) = vector {
                state.memory.vectors.keep(text.clone(), vector);
            }
            if is_of_now {
                state.memory.analyses.keep(text, analysis);
            }
        }
        drop(state);
        for (answer, done) in running.answers.into_iter().zip(done) {
            // Whoever does not wait any more has taken the words.
            match (answer, done) {
                (Answer::Analysis(tx), Done::Analysis(analysis, _)) => drop(tx.send(*analysis)),
                (Answer::Words(_, tx), Done::Words(words)) => drop(tx.send(words)),
                (Answer::Vectors(_, tx), Done::Vectors(vectors)) => drop(tx.send(vectors)),
                (Answer::Own(.., tx), Done::Own(found)) => drop(tx.send(found)),
                _ => {}
            }
        }
    }
}

/// The intents that a batch is looked through for.
struct Looked {
    index: Arc<Index>,
    /// Whether their examples had all been read when it began.
    is_settled: bool,
    /// When the first of its texts was handed in.
    era: u64,
}

/// What a worker does at once.
enum Task {
    /// Answers requests, looking for these intents.
    Batch(Vec<(String, Request)>, Looked),
    /// Reads some of the examples of these intents.
    Read(Arc<Index>),
}

enum Request {
    Analysis,
    Words(Head),
    Vectors(Vec<String>),
    Own(Vec<String>, Arc<Index>),
}

/// Everybody who waits learns it by the end of their channel.
fn abandon(state: &mut State, why: String) {
    if matches!(state.status, AnalyzerStatus::Failed { .. }) {
        return;
    }
    state.status = match state.status {
        AnalyzerStatus::Loading => AnalyzerStatus::Absent { why },
        _ => AnalyzerStatus::Failed { why },
    };
    state.waiting.clear();
    state.aside.clear();
    state.running.clear();
    state.told.clear();
}

fn run(worker: usize, setup: &Setup, desk: &Desk) {
    // Where it is refused the model is as important as everybody else; on Linux this is about the thread alone.
    let _ = rustix::process::nice(LESS_IMPORTANT);
    machine::turns::long();
    let loaded = catch_unwind(AssertUnwindSafe(|| load(setup)));
    let (model, precision) = match loaded {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(error)) => return desk.fail(error.to_string()),
        Err(_) => return desk.fail("loading it crashed".to_owned()),
    };
    {
        let mut state = lock(&desk.state);
        if state.status == AnalyzerStatus::Loading {
            let (name, version) = (model.manifest.name.clone(), model.manifest.version.clone());
            state.status = AnalyzerStatus::Ready { name, version };
            state.precision = Some(precision);
        }
    }
    desk.wake.notify_all();
    while let Some(task) = desk.take(worker, setup.most_in_batch) {
        let done = catch_unwind(AssertUnwindSafe(|| {
            if let Some(faults) = &setup.faults {
                faults.strike();
            }
            let still_working = || desk.still_working(worker);
            match &task {
                Task::Batch(requests, own) => {
                    compute(&model, requests, &own.index, desk, &still_working).map(Some)
                }
                Task::Read(index) => examples::read(&model, index, &desk.examples).map(|()| None),
            }
        }));
        match (done, task) {
            (Ok(Ok(Some(done))), Task::Batch(requests, own)) => desk.deliver(worker, requests, &own, done),
            (Ok(Ok(_)), Task::Read(index)) => desk.have_read(worker, &index),
            (Ok(Ok(None)), Task::Batch(..)) => {}
            (Ok(Err(error)), _) => return desk.fail(error.to_string()),
            (Err(_), _) => return desk.fail("its thread crashed".to_owned()),
        }
    }
}

fn load(setup: &Setup) -> Result<(Model, Precision), NlpError> {
    let mut model = Model::load(&setup.folder)?;
    let precision = model.choose_precision(setup.precision)?;
    Ok((model, precision))
}

fn compute(
    model: &Model,
    requests: &[(String, Request)],
    own: &Index,
    desk: &Desk,
    still_working: &dyn Fn(),
) -> Result<Vec<Done>, NlpError> {
    let mut analyses = analyze_with(
        model,
        own,
        desk.are_vectors_wanted.load(Ordering::Relaxed),
        requests
            .iter()
            .filter(|(_, request)| matches!(request, Request::Analysis))
            .map(|(text, _)| text.as_str()),
    )?
    .into_iter();
    let mut done = Vec::with_capacity(requests.len());
    for (text, request) in requests {
        done.push(match request {
            Request::Analysis => {
                let next = analyses.next();
                let (analysis, vector) =
                    next.ok_or_else(|| NlpError::Engine("fewer outputs than texts".to_owned()))?;
                Done::Analysis(Box::new(analysis), vector)
            }
            Request::Words(head) => Done::Words(explain(model, text, *head)?),
            Request::Vectors(texts) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Done::Vectors(examples::vectors(model, &texts, still_working)?)
            }
            Request::Own(texts, index) => {
                Done::Own(examples::look_for(model, index, texts, &desk.examples, still_working)?)
            }
        });
    }
    Ok(done)
}

/// A lock is still good after a panic: what it guards is changed in one go.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the model is when nobody says: the environment, the current folder,
/// the folder the program was built in.
pub fn find(explicit: Option<&Path>) -> Option<PathBuf> {
    if let Some(folder) = explicit {
        return Some(folder.to_owned());
    }
    if let Some(folder) = std::env::var_os("BATON_MODEL_DIR").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    let here = PathBuf::from("models/baton-en");
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/baton-en");
    let beside =
        std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("models/baton-en")));
    [Some(here), beside, Some(built)]
        .into_iter()
        .flatten()
        .find(|folder| folder.join(super::bundle::MANIFEST).is_file())
}
